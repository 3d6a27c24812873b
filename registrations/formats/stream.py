"""One direction of a TCP connection → SIP messages (RFC 3261 §18.3, §7.5; RFC 5626 §3.5.1).

Bytes come in order. A message ends with its Content-Length; where the stream is joined midway
or bytes were lost, reading goes on at the next start line. HEP packets in it are stepped over:
they hold copies. A stream that begins as something else (TLS, HTTP) is not read at all.
"""

from __future__ import annotations

import re

from registrations.formats.packets import Mark

#: Longer headers, and longer start lines, are none: reading goes on at the next message.
LONGEST_HEAD = 64 * 1024
LONGEST_LINE = 8 * 1024
#: A Content-Length beyond this is a lie, and is not followed.
LONGEST_BODY = 1024 * 1024
START = re.compile(
    rb"[^\s:]{1,64} [^\r\n]* SIP/2\.0[ \t]*\r?\n|SIP/2\.0 +\d{3}[^\r\n]*\r?\n", re.I
)
HEP = b"HEP3"
#: Where a stream that is out of step may be joined: the beginning of a line.
NEXT = re.compile(rb"\n(?=" + START.pattern + rb"|HEP3)", re.I)
#: What may become such a line: ciphertext on its way need not be kept.
UNDER_WAY = re.compile(rb"\n?[!%'*+\-./\w`~]{0,64}(?: |\Z)")
BLANK = re.compile(rb"[\r\n]*")
HEADERS_END = re.compile(rb"\n\r?\n")
CONTENT_LENGTH = re.compile(rb"\n(?:content-length|l)[ \t]*:[ \t]*(\d{1,9})", re.I)
FOREIGN = re.compile(rb"[^\r\n]{0,15}[\x00-\x08\x0b\x0c\x0e-\x1f]|[^\r\n]*HTTP/\d")

#: Bytes up to the end of the headers, and the packet that holds the first of them.
Message = tuple[bytes, Mark]


class Stream:
    """Cuts messages out of one direction. `is_fresh`: its very first byte will be seen."""

    __slots__ = (
        "_buffer",
        "_is_fresh",
        "_is_lost",
        "_joint",
        "_skip",
        "first",
        "foreign",
        "given_up",
    )

    def __init__(self, *, is_fresh: bool) -> None:
        self._buffer = b""
        #: The packet that holds the first byte kept.
        self.first: Mark = (0, None)
        #: Index of the first byte that the newest packet brought.
        self._joint = 0
        #: Bytes of a body still to come.
        self._skip = 0
        self._is_fresh = is_fresh
        self._is_lost = not is_fresh
        #: True: this is not SIP.
        self.foreign = False
        #: Messages whose headers had no end within what they may have.
        self.given_up: list[Message] = []

    @property
    def held(self) -> int:
        """How many bytes are kept until more come."""
        return len(self._buffer)

    def take(self, data: bytes, mark: Mark) -> list[Message]:
        """The messages whose headers these bytes complete."""
        if self.foreign:
            return []
        if self._skip:
            skipped = min(self._skip, len(data))
            self._skip -= skipped
            data = data[skipped:]
        if not self._buffer:
            self.first = mark
        self._joint = len(self._buffer)
        self._buffer += data
        return self._messages(mark)

    def gap(self, size: int) -> Message | None:
        """`size` bytes are missing here; the message under way, which is not whole then."""
        if self._skip >= size > 0:
            self._skip -= size  # within a body, which we do not read
            return None
        under_way = None if self._is_lost else (self._buffer, self.first)
        self._buffer, self._skip = b"", 0
        self._is_lost, self._is_fresh = True, False
        return under_way if under_way and under_way[0] else None

    def _messages(self, newest: Mark) -> list[Message]:
        data, at, found = self._buffer, 0, []
        while at < len(data) and not self.foreign:
            if self._is_lost:
                at = self._join(data, at)
                if self._is_lost:
                    break
            else:
                at = BLANK.match(data, at).end()
            ends = self._step(data, at)
            if ends is None:
                break
            head_end, end = ends
            if not self._is_lost and head_end > at:
                mark = newest if at >= self._joint else self.first
                found.append((data[at:head_end], mark))
            at = end
        self._keep(data, at, newest)
        return found

    def _keep(self, data: bytes, at: int, newest: Mark) -> None:
        if at >= self._joint:
            self.first = newest
        self._skip += max(0, at - len(data))
        self._buffer = b"" if self.foreign else data[at:]

    def _step(self, data: bytes, at: int) -> tuple[int, int] | None:
        """Where the headers of the message at `at` end, and where it does; None: not yet.

        Both are the same when there is none: the stream is out of step then, or foreign.
        """
        if data.startswith(HEP, at):
            return self._over_hep(data, at)
        if START.match(data, at) is None:
            return self._no_start(data, at)
        head = HEADERS_END.search(data, max(at, self._joint - 3))
        if head is None:
            return self._over_head(data, at) if len(data) - at > LONGEST_HEAD else None
        self._is_fresh = False
        found = CONTENT_LENGTH.search(data, at, head.end())
        length = int(found[1]) if found else 0
        return head.end(), head.end() + (length if length <= LONGEST_BODY else 0)

    def _over_hep(self, data: bytes, at: int) -> tuple[int, int] | None:
        if len(data) < at + 6:
            return None
        size = int.from_bytes(data[at + 4 : at + 6], "big")
        self._is_fresh = False
        return (at, at + size) if size >= 6 else self._out_of_step(at + len(HEP))

    def _over_head(self, data: bytes, at: int) -> tuple[int, int]:
        behind = at + LONGEST_HEAD
        self.given_up.append((data[at:behind], self.first))
        # Never at the same start again, nor at each line in it: that would take for ever.
        return self._out_of_step(data.find(b"\n", behind) + 1 or len(data))

    def _no_start(self, data: bytes, at: int) -> tuple[int, int] | None:
        if self._is_fresh and FOREIGN.match(data, at):
            self.foreign = True
            return at, at
        is_line = data.find(b"\n", at) >= 0 or len(data) - at > LONGEST_LINE
        return self._out_of_step(at) if is_line else None

    def _out_of_step(self, at: int) -> tuple[int, int]:
        self._is_lost, self._is_fresh = True, False
        return at, at

    def _join(self, data: bytes, at: int) -> int:
        """The next start line: where the stream is in step again, else what to keep from."""
        found = self._found(data, at) if b"SIP/2.0" in data or HEP in data else None
        if found is not None:
            self._is_lost = False
            return found
        line = max(at, data.rfind(b"\n", at))
        is_short = len(data) - line <= LONGEST_LINE
        return line if is_short and UNDER_WAY.match(data, line) else len(data)

    def _found(self, data: bytes, at: int) -> int | None:
        for start in (at, self._joint):
            if start >= at and (
                START.match(data, start) or data.startswith(HEP, start)
            ):
                return start
        found = NEXT.search(data, at)
        return found.end() if found else None
