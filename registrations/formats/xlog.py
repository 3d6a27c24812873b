"""One line of the operator's own for each REGISTER, as Kamailio and OpenSIPS print by xlog.

What it holds and in which order is a template with named fields, like the `xlog()` call it
comes of. A line whose text could be read in two ways is not read at all: a phone chooses its
own User-Agent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache, partial

from registrations.formats.rebuilt import register_text
from registrations.formats.record import Brief, Request, Unreadable

#: The shape that `docs/sources.md` recommends, `contact` last.
DEFAULT = (
    "REGISTER from {ip}:{port} ({proto}) user={user} to={to} call-id={call_id} "
    'cseq={cseq} expires={expires} ua="{user_agent}" contact={contact}'
)
COLON = ord(":")
#: What an absent value is printed as.
NULL = b"<null>"
#: Fields without blanks. Kamailio writes the first ones, the phone the others.
TOKENS = {
    "proto": rb"\w+",
    "ip": rb"\[?[\w.:%-]+\]?",
    "port": rb"\d{1,5}",
    "cseq": rb"\d{1,40}",
    "expires": rb"\d{1,400}|<null>",
    "call_id": rb"\S+",
    "to": rb"\S+",
    "user": rb"\S*",
    "any": rb"\S*",
}
#: Fields with any text in them.
FREE = frozenset({"user_agent", "contact"})
REQUIRED = frozenset({"to", "call_id", "cseq", "contact"})
FIELD = re.compile(r"\{(\w*)\}")
#: A line with its folded Contact is never longer.
LONGEST_LINE = 32 * 1024
#: A marker shorter than this stands in too many lines.
SHORTEST_MARKER = 4


class BadTemplate(ValueError):
    """A template that cannot be used; the text says why."""


class LineError(ValueError):
    """A line that does not fit the template, or fits it in two ways."""

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(detail)
        self.rule, self.detail = rule, detail


@dataclass(frozen=True, slots=True)
class Part:
    """Literals and tokens up to a free field: `literal` is what they begin with."""

    literal: bytes
    pattern: re.Pattern[bytes]
    free: str | None


class Template:
    """Reads the lines that one `xlog()` call prints. Raises BadTemplate."""

    def __init__(self, text: str = DEFAULT) -> None:
        self.text = text
        pieces = FIELD.split(text)
        _check(pieces[1::2])
        self._parts = tuple(_parts(pieces))
        #: Call-ID and CSeq stand before anything a phone writes freely.
        self._is_keyed_first = {"call_id", "cseq"} <= {
            *self._parts[0].pattern.groupindex
        }
        literals = [piece.encode() for piece in pieces[::2]]
        self._before, *around = _around_key(pieces[1::2], literals)
        self._behind_call_id = lru_cache(1024)(partial(_with_cseq, *around))
        before_free = literals[: 1 + min(map(pieces[1::2].index, FREE & {*pieces}))]
        inner = sorted(before_free[1:] or literals[1:], key=len)
        #: `marker` and `second` stand in every line of this template. The marker is not
        #: what a line begins with: `REGISTER from` also announces whole messages.
        self.marker = inner[-1]
        if len(self.marker) < SHORTEST_MARKER:
            self.marker = max(literals, key=len)
        others = [literal for literal in literals if literal != self.marker]
        self.second = literals[0] or max(others, key=len)
        if len(self.marker) < SHORTEST_MARKER:
            raise BadTemplate(f"{text!r} has no text of its own to know its lines by")

    def read(self, line: bytes) -> dict[str, bytes]:
        """The fields of a line, from the template's first text on. Raises LineError."""
        line = line.rstrip()
        at = max(line.find(self._parts[0].literal), 0)
        fields: dict[str, bytes] = {}
        free: str | None = None
        for part in self._parts:
            start = at if free is None else self._next(line, at, part)
            if free is not None:
                fields[free] = line[at:start]
            found = part.pattern.match(line, start)
            if found is None:
                raise LineError("xlog_line", f"the line does not fit {self.text!r}")
            fields |= found.groupdict()
            at, free = found.end(), part.free
        if free is not None:
            fields[free] = line[at:]
        elif at != len(line):
            raise LineError("xlog_line", f"the line goes on behind {self.text!r}")
        return fields

    def key(self, line: bytes) -> tuple[bytes, int] | None:
        """Call-ID and CSeq of a line; None where it cannot be read in one way."""
        part = self._parts[0]
        at = max(line.find(part.literal), 0)
        found = part.pattern.match(line, at) if self._is_keyed_first else None
        if found is None:
            try:
                fields = self.read(line)
            except LineError:
                return None
            return fields["call_id"], int(fields["cseq"])
        call_id, cseq = found.group("call_id", "cseq")
        return call_id, int(cseq)

    def is_of(self, line: bytes, key: tuple[bytes, int]) -> bool:
        """True when a line tells of the request with this Call-ID and CSeq, and when it can be
        read in several ways and the Call-ID stands in it.
        """
        call_id, cseq = key
        if self._is_keyed_first:
            told = call_id + self._behind_call_id(cseq)
            at, size = line.find(self._before), len(self._before)
            if at >= 0 and line[at + size : at + size + len(told)] == told:
                return True
        told = self.key(line)
        return line.find(call_id) >= 0 if told is None else told == key

    def _next(self, line: bytes, at: int, part: Part) -> int:
        """Where a free field ends: its next literal, which must not stand there twice."""
        if part is self._parts[-1] and part.free is None:
            return max(len(line) - len(part.literal), at)
        start = line.find(part.literal, at)
        if start < 0:
            raise LineError("xlog_line", f"the line does not fit {self.text!r}")
        if line.find(part.literal, start + 1) >= 0:
            shown = part.literal.decode("utf-8", "replace")
            raise LineError("xlog_ambiguous", f"{shown!r} stands twice in the line")
        return start

    def request(self, brief: Brief) -> Request | Unreadable:
        """The REGISTER that a line tells of, or why it tells of none."""
        try:
            fields = self.read(brief.raw)
        except LineError as error:
            return Unreadable(
                position=brief.position,
                at=brief.at,
                rule=error.rule,
                detail=error.detail,
                raw=brief.raw,
            )
        raw = register_text(
            to=fields["to"],
            call_id=fields["call_id"],
            cseq=fields["cseq"],
            contact=_given(fields["contact"]),
            expires=_given(fields.get("expires")),
            user_agent=_given(fields.get("user_agent")),
        )
        source = _source(fields) or brief.source
        return Request(position=brief.position, at=brief.at, source=source, raw=raw)


def folded_end(data: bytes, start: int, end: int) -> int:
    """Where the line `data[start:end]` really ends; 0 where that is not known yet.

    A folded header is printed as it was sent: behind its CR LF the line goes on, even if
    what follows looks like a line of the log. The log's own lines end with LF alone.
    """
    while data[end - 2 : end] == b"\r\n" and end < start + LONGEST_LINE:
        if end == len(data):
            return 0
        next_end = data.find(b"\n", end) + 1
        if data[end : end + 1] not in b" \t" or next_end > start + LONGEST_LINE:
            return end
        if next_end == 0:
            return end if len(data) - start > LONGEST_LINE else 0
        end = next_end
    return end


def _around_key(fields: list[str], literals: list[bytes]) -> tuple[bytes, bytes, bytes]:
    """What stands before, between and behind Call-ID and CSeq where they are neighbours."""
    at = fields.index("call_id")
    if fields[at + 1 : at + 2] != ["cseq"]:
        return literals[at], b"\n", b""  # never in a line
    return literals[at], literals[at + 1], literals[at + 2]


def _with_cseq(between: bytes, behind: bytes, cseq: int) -> bytes:
    return b"%b%d%b" % (between, cseq, behind)


def _check(fields: list[str]) -> None:
    unknown = set(fields) - set(TOKENS) - FREE
    missing = REQUIRED - set(fields)
    if unknown:
        known = ", ".join(sorted({*TOKENS, *FREE}))
        raise BadTemplate(f"no field {sorted(unknown)[0]!r}; there are {known}")
    if missing:
        raise BadTemplate(f"the template lacks {', '.join(sorted(missing))}")
    named = [field for field in fields if field != "any"]
    if len(set(named)) < len(named):
        raise BadTemplate("a field stands twice in the template")


def _parts(pieces: list[str]):
    pattern, literal = b"", pieces[0].encode()
    begin = literal
    for index, piece in enumerate(pieces):
        if index % 2 == 0:
            pattern += re.escape(piece.encode())
        elif piece in FREE:
            following = pieces[index + 1].encode()
            if not following and index + 2 < len(pieces):
                raise BadTemplate(f"nothing ends the field {piece!r}")
            yield Part(begin, re.compile(pattern), piece)
            pattern, begin = b"", following
        else:
            name = b"" if piece == "any" else b"P<" + piece.encode() + b">"
            pattern += b"(?" + (name or b":") + TOKENS[piece] + b")"
    if pattern:
        yield Part(begin, re.compile(pattern), None)


def _given(value: bytes | None) -> bytes | None:
    return None if value == NULL else value


def _source(fields: dict[str, bytes]) -> str | None:
    proto, ip, port = map(fields.get, ("proto", "ip", "port"))
    if None in (proto, ip, port):
        return None
    if COLON in ip and not ip.startswith(b"["):
        ip = b"[%b]" % ip
    return (b"%b:%b:%b" % (proto.lower(), ip, port)).decode("ascii", "replace")
