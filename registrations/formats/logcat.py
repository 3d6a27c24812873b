"""Android's logcat of a linphone app: every line of a message has a prefix of its own.

`11-22 05:35:55.079 24815 24815 I Linphone: channel [0x71]: message sent to [TLS://…]`, with
`-v time` `11-22 05:35:55.079 I/Linphone(24815): …`, or as Android Studio prints it,
`2022-09-08 09:30:40.086 21107-21107/org.linphone I/Linphone: …`, from 2022 on
`… 21107-21107 Linphone  org.linphone  I  …`.
"""

from __future__ import annotations

import re
from datetime import datetime

from registrations.formats.linphone import told
from registrations.formats.reader import MENTION
from registrations.formats.stamps import MONTHS, WITHOUT_YEAR, Stamps
from registrations.formats.wrapped import Envelope, Wrapper

NAMES = {number: name for name, number in MONTHS.items()}
PREFIX = re.compile(
    rb"(?:(\d{4})-)?(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)\.(\d{3}) +"
    # Process and thread, then level and tag; of the newest Android Studio tag and level.
    rb"(?:(\d+)[ -]+(\d+)(?:/\S+)? +(?:[VDIWEF][ /][^:\r\n]{1,60}?: ?"
    rb"|\S[^\r\n]{0,60}? {2,}[a-z][\w.]+ +[VDIWEF] {2})"
    rb"|[VDIWEF]/[^(:\r\n]{1,60}\( *(\d+)\): ?)"
)
#: A header of a message or the folded rest of one. Behind the last one the log goes on.
PART = re.compile(rb"[!-9;-~]+[ \t]*:|[ \t]+\S|[A-Z]+ \S+ SIP/2\.0|SIP/2\.0 \d{3}")
#: A message printed by an older Android Studio goes on behind blanks.
INDENT = b"    "
MOST_LINES = 1000


class Logcat(Wrapper):
    """The lines of one thread from `message sent` on are one record."""

    name = "logcat"
    #: The last one stands in lines of other logs too, which this one may turn into.
    markers = (b": message sent to [", b" new bytes from [", MENTION)
    header = PREFIX
    #: `unwrap` adds the empty line, where the message was not cut.
    has_ends = True

    def __init__(self, stamps: Stamps) -> None:
        self._stamps = stamps

    def end(self, data: bytes, start: int, marker: int, *, is_last: bool) -> int | None:
        at = data.find(b"\n", marker) + 1
        thread = _thread(data, start)
        for _ in range(MOST_LINES):
            end = data.find(b"\n", at) + 1
            if at == 0 or end == 0:
                return len(data) if is_last else None
            line = data[at:end]
            if _is_of(thread, line) and not PART.match(_text(line)):
                return at
            at = end
        return at

    def unwrap(self, record: bytes) -> Envelope | None:
        first, *lines = record.splitlines()
        prefix, lead = PREFIX.match(first), told(first)
        if prefix is None or lead is None:
            return None
        thread = prefix.groups()[-3:]
        texts = [_text(line) for line in lines if _is_of(thread, line)]
        # Of one that goes on behind the last line that is looked at, half is no message.
        ends = () if len(lines) >= MOST_LINES and _goes_on(thread, lines) else (b"",)
        message = b"\r\n".join([*texts, *ends, b""])
        return Envelope(text=message, at=self._moment(prefix), received=lead.received)

    def moment(self, line: bytes) -> datetime | None:
        prefix = PREFIX.match(line)
        return self._moment(prefix) if prefix else None

    def _moment(self, prefix: re.Match[bytes]) -> datetime | None:
        year, month, *rest = prefix.groups()[:7]
        if year is not None:
            *clock, millis = (int(part) for part in rest)
            return self._stamps.at(int(year), int(month), *clock, millis * 1000)
        stamp = b"%b %b %b:%b:%b.%b" % (NAMES.get(int(month), b""), *rest)
        found = WITHOUT_YEAR.match(stamp)
        return self._stamps.without_year(found) if found else None


def _thread(data: bytes, start: int) -> tuple[bytes, ...]:
    prefix = PREFIX.match(data, start)
    return prefix.groups()[-3:] if prefix else ()


def _is_of(thread: tuple[bytes, ...], line: bytes) -> bool:
    """False for a line of another thread that stands between."""
    prefix = PREFIX.match(line)
    return prefix is None or prefix.groups()[-3:] == thread


def _goes_on(thread: tuple[bytes, ...], lines: list[bytes]) -> bool:
    return _is_of(thread, lines[-1]) and PART.match(_text(lines[-1])) is not None


def _text(line: bytes) -> bytes:
    prefix = PREFIX.match(line)
    text = line[prefix.end() :] if prefix else line.removeprefix(INDENT)
    return text.rstrip(b"\r\n")
