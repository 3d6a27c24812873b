"""One SIP message: its start line and the headers we read (RFC 3261 §7). Bytes in, text out."""

from __future__ import annotations

import re
from typing import NamedTuple

#: The headers we read, each by every name it may have (compact forms: RFC 3261 §7.3.3).
NAMES = {
    "to": ("to", "t"),
    "call_id": ("call-id", "i"),
    "cseq": ("cseq",),
    "expires": ("expires",),
    "user_agent": ("user-agent",),
    "authorization": ("authorization", "proxy-authorization"),
    "content_length": ("content-length", "l"),
    "contact": ("contact", "m"),
}
#: Asking for a number is four times as quick as asking for bytes.
LF = ord("\n")
#: A header goes on in the next line if that begins with a blank (RFC 3261 §7.3.1).
FOLD = re.compile(rb"[ \t]*\r?\n[ \t]+")
CREDENTIALS = re.compile(
    r"(?im)^((?:Proxy-)?Authorization[ \t]*:(?:[ \t]*[a-z]+(?=[ \t]))?)"
    r"[^\n]*(?:\n[ \t]+[^\n]*)*"
)


#: A NamedTuple of its values in order: quicker by two thirds than its constructor, and one
#: is made of every message.
made = tuple.__new__


class Message(NamedTuple):
    """A start line and the first header of each name, as they were written: see `cleaned`.

    `contacts`: every value of Contact, in order.
    """

    start_line: bytes
    to: bytes | None
    call_id: bytes | None
    cseq: bytes | None
    expires: bytes | None
    user_agent: bytes | None
    authorization: bytes | None
    content_length: bytes | None
    contacts: tuple[bytes, ...]


#: In a pattern: what is no group, and what begins one that captures.
CAPTURING = re.compile(rb"(\\.|\[(?:\\.|[^\]\\])+\])|\((?!\?)")
FIRST = "".join(
    sorted(
        {
            one
            for names in NAMES.values()
            for name in names
            for one in (name[0], name[0].upper())
        }
    )
)


#: The group of `Head` that is the empty line behind the headers.
END = len(NAMES) + 3
#: How a line begins that is none of the headers we read, goes on with none and is not empty.
OTHER = rb"(?:[^ \t\r\n%b]|Ma|A[cl]|Content-T)" % FIRST.encode()


class Head:
    """One expression for a whole message: start line, the headers of `NAMES` in any order and
    the empty line behind them. Reading a log is mostly this.

    `stop`: a pattern of what a line begins with that is none of the message any more.
    """

    def __init__(self, stop: bytes | None = None) -> None:
        line = rb"" if stop is None else rb"(?!%b)" % without_groups(stop)
        fold = rb"\n%b[ \t]" % line
        colon = rb"[ \t]*(?:\r?%b[ \t]*)*:" % fold
        value = rb"(.*(?:%b.*)*)" % fold
        headers = b"|".join(
            _header(number, name, colon, value) for number, name in enumerate(NAMES, 2)
        )
        # It cannot fail behind the headers, so no line is ever read again. (Possessive it would
        # be wrong: Python before 3.11.5 loses groups there.)
        pattern = re.compile(
            rb"(.*\n?)"
            rb"(?:%b(?!\r?\n)(?:(?=[%b])(?:%b)|.+)\n?)*"
            rb"(\r?\n)?" % (line, FIRST.encode(), headers)
        )
        self._contact = re.compile(rb"\n" + _any_case("contact") + colon + value)
        #: `match(data, start, limit)` where a message begins: up to the end of its headers
        #: (the last group is `END` then) or of what is there of them.
        self.match = pattern.match
        self._usual = re.compile(rb"(\S.*\n)" + usual_headers(line)).match

    def read(self, data: bytes, start: int, limit: int) -> tuple[Message, int, bool]:
        """The message that begins at `start`, where its headers end or what is there of them,
        and whether they do end.
        """
        found = self._usual(data, start, limit)
        if found is not None:
            return usual_message(found.groups()), found.end(), True
        found = self.match(data, start, limit)
        return self.message(found), found.end(), found.lastindex == END

    def message(self, found: re.Match[bytes]) -> Message:
        """What was matched."""
        *values, more, contact, _ = found.groups()
        if more is not None:
            every = self._contact.findall(found.string, found.start(), found.end())
            values.append(tuple(every))
        else:
            values.append(() if contact is None else (contact,))
        return made(Message, values)


def _header(number: int, name: str, colon: bytes, value: bytes) -> bytes:
    """A header by any of its names: group `number` is the first of that name. Of Contact, one
    group further is the first, and group `number` any other.
    """
    header = _any_case(name) + colon + value
    if name == "contact":
        return rb"(?(%d)%b|%b)" % (number + 1, header, header)
    return rb"(?(%d)(?!)|%b)" % (number, header)


def usual_headers(line: bytes = b"") -> bytes:
    """What follows a start line, up to the empty line, where headers are unfolded and in one of
    the two orders nearly all phones write: five times as quick as the expression for any order,
    and what it finds is the same. Its groups and the start line make a `usual_message`.

    `line`: what holds where each line begins. Others stand behind one of ours only: a line is
    tried in one place.
    """
    other = rb"%b%b.*\n" % (line, OTHER)
    # `(?:…|)` is what `(?:…)?` is, and quicker where nothing is there. (Possessive it would be
    # wrong: Python before 3.11.5 goes on behind what the last repeat had begun to match.)
    others = rb"(?:%b(?:%b)*|)" % (other, other)

    def header(name: bytes) -> bytes:
        return rb"%b%b:(.*)\n%b" % (line, name, others)

    def maybe(name: bytes) -> bytes:
        return rb"(?:%b|)" % header(name)

    return (
        others
        + header(b"To")
        + maybe(b"CSeq")
        + header(b"Call-ID")
        + maybe(b"CSeq")
        + b"".join(
            maybe(name)
            for name in (
                b"Contact",
                b"Expires",
                b"Authorization",
                b"User-Agent",
                b"Content-Length",
                b"Authorization",
            )
        )
        + rb"\r?\n"
    )


def usual_message(groups: tuple[bytes | None, ...]) -> Message:
    """The message of a start line and the groups of `usual_headers`."""
    (
        start,
        to,
        cseq,
        call_id,
        later_cseq,
        contact,
        expires,
        credentials,
        agent,
        length,
        later_credentials,
    ) = groups
    values = (
        start,
        to,
        call_id,
        later_cseq if cseq is None else cseq,
        expires,
        agent,
        later_credentials if credentials is None else credentials,
        length,
        () if contact is None else (contact,),
    )
    return made(Message, values)


def _any_case(name: str) -> bytes:
    """Every name of a header, in upper and lower case: quicker than `re.IGNORECASE`."""
    cased = ("".join(map(_letter, written)) for written in NAMES[name])
    return f"(?:{'|'.join(cased)})".encode()


def _letter(one: str) -> str:
    return f"[{one.upper()}{one}]" if one.isalpha() else re.escape(one)


def without_groups(pattern: bytes) -> bytes:
    """The same pattern with nothing captured."""
    return CAPTURING.sub(_mute, pattern)


def _mute(found: re.Match[bytes]) -> bytes:
    return found[1] or b"(?:"


WHOLE = Head()


def decoded(raw: bytes) -> str:
    """SIP text is UTF-8 (RFC 3261 §7); other bytes stay visible as escapes."""
    return raw.decode("utf-8", "backslashreplace")


def cleaned(value: bytes) -> bytes:
    """A header value without folds and the blanks around it."""
    value = value.strip()
    return FOLD.sub(b" ", value) if LF in value else value


def text_of(value: bytes | None) -> str | None:
    """A header value as text; None where there is no such header."""
    return None if value is None else decoded(cleaned(value))


def read_message(raw: bytes) -> Message:
    """Read start line and headers; the body is not looked at."""
    if raw[:1] in b"\r\n":
        raw = raw.lstrip(b"\r\n")
    return WHOLE.read(raw, 0, len(raw))[0]


def redacted(raw: bytes) -> str:
    """The message as text without credentials, fit to store and show.

    Values of Authorization headers are cut after the scheme; NULs become `\\x00`.
    """
    text = CREDENTIALS.sub(r"\1 …", decoded(raw))
    return text.replace("\0", "\\x00")
