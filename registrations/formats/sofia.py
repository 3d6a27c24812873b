"""sofia-sip's message log, as FreeSWITCH, drachtio and (with TPORT_LOG) Flexisip print it.

`recv 938 bytes from tcp/[1.2.3.4]:5060 at 19:23:18.926000:`, a line of dashes, the message
with three spaces before each line, dashes again (tport_logging.c). The time is that of a
day nobody names. drachtio prints date and time in front, and the message alone behind it.
"""

from __future__ import annotations

import re
from datetime import datetime

from registrations.formats.cutting import (
    CR,
    LINE_ENDS,
    LONGEST_MESSAGE,
    LONGEST_PREFIX,
    without_crs,
)
from registrations.formats.flexisip import PREFIX as FLEXISIP
from registrations.formats.plain import START
from registrations.formats.reader import MENTION
from registrations.formats.stamps import ISO, Stamps
from registrations.formats.wrapped import Envelope, Wrapper
from registrations.sip import without_groups

COLOURS = rb"(?:\x1b\[[0-9;]*[A-Za-z])*"
#: From Flexisip 2.4 on a blank stands in front of the text: of three that are indent it is
#: told by the first line.
LOGGER = re.compile(FLEXISIP.pattern)
HEADER = re.compile(
    # A line of a message is indented: it cannot be a header, whatever its colour.
    rb"(?:"
    + FLEXISIP.pattern
    + rb"( ?))?"
    + COLOURS
    + rb"(?:(?!\x1b)\S[^\n]{0,200}? "
    + COLOURS
    + rb")??(recv|send) (\d{1,9}) bytes (?:from|to) "
    rb"(udp|tcp|tls|sctp|ws|wss)/\[([^\]\s]+)\]:(\d{1,5}) at ([^\n]*):"
    + COLOURS
    + rb"\r?\n",
)
#: Flexisip's logger puts its prefix in front of each line of a message too.
OF_FLEXISIP = re.compile(HEADER.pattern + rb"|" + without_groups(FLEXISIP.pattern))
#: A line of FreeSWITCH's own, which looks like syslog's else.
FREESWITCH = re.compile(
    COLOURS + rb"(?:[0-9a-f-]{36} )?\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ (?:\d+\.\d+% )?"
    rb"\[(?:CONSOLE|ALERT|CRIT|ERR|WARNING|NOTICE|INFO|DEBUG)\] "
)
#: What only logs of this kind have.
SHAPE = re.compile(HEADER.pattern + rb"|" + FREESWITCH.pattern)
INDENT = b"   "
COLOURED = re.compile(COLOURS)
DASHES = re.compile(rb" {0,3}-{20,}" + COLOURS + rb"\s*")
#: drachtio prints the message as it is, and the log goes on with a line of its own.
BARE = re.compile(rb"(?:\r?\n)?" + START.pattern)
GOES_ON = re.compile(rb"\d{4}-\d\d-\d\d \d\d:|(?:recv|send) \d+ bytes ")


def dumped_size(line: bytes) -> int:
    """The bytes of the message of which this is the header line; 0 where it is none."""
    header = HEADER.match(line)
    return int(header.groups()[-5]) if header else 0


class Sofia(Wrapper):
    """A header line for each message, received or sent."""

    name = "sofia"
    #: The last one stands in lines of other logs too, which this one may turn into.
    markers = (b" bytes from ", b" bytes to ", MENTION)
    header = HEADER
    has_ends = True

    def __init__(self, stamps: Stamps) -> None:
        self._stamps = stamps

    def is_one_line(self, line: bytes) -> bool:
        return False

    def end(self, data: bytes, start: int, marker: int, *, is_last: bool) -> int | None:
        """A message without indent ends where its size says, if the log goes on there: what
        is in it may look like the log.
        """
        header = HEADER.match(data, start)
        if header is not None and header[1] is not None:
            self.turning.prefix = OF_FLEXISIP
        if header is None or not BARE.match(data, header.end()):
            return super().end(data, start, marker, is_last=is_last)
        stop = _sized_end(data, header.end(), int(header.groups()[-5]))
        if len(data) < stop + LONGEST_PREFIX and not is_last:
            return None
        if stop == len(data) or GOES_ON.match(data, stop):
            return stop
        return super().end(data, start, marker, is_last=is_last)

    def unwrap(self, record: bytes) -> Envelope | None:
        header = HEADER.match(record)
        if header is None:
            return None
        blank, direction, _, protocol, host, port = (
            (part or b"").decode("ascii", "replace") for part in header.groups()[-7:-1]
        )
        host = f"[{host}]" if ":" in host else host
        text = record[header.end() :]
        return Envelope(
            text=text if BARE.match(text) else _message(text, len(blank)),
            at=self._moment(header),
            source=f"{protocol}:{host}:{port}",
            received=direction == "recv",
        )

    def moment(self, line: bytes) -> datetime | None:
        header = HEADER.match(line)
        return self._moment(header) if header else None

    def _moment(self, header: re.Match[bytes]) -> datetime | None:
        line = header[0][COLOURED.match(header[0]).end() :]
        found = ISO.match(line) or ISO.match(header.groups()[-1])
        return self._stamps.iso(found) if found else None


def _sized_end(data: bytes, start: int, size: int) -> int:
    """Behind the message that begins at `start`, and the empty lines behind it."""
    size = min(size, LONGEST_MESSAGE)
    line_end, end = data.find(b"\n", start), start + size
    if data[line_end - 1] != CR:
        # Every CR was left out of the log, and counts.
        end = without_crs(data, start, line_end, size)
    return LINE_ENDS.match(data, end).end() if end < len(data) else end


def _message(lines: bytes, blank: int) -> bytes:
    """The lines between the dashes, without indent, colours and logger's prefix."""
    kept, dashes = [], 0
    for line in lines.split(b"\n"):
        prefix = LOGGER.match(line)
        line = line[prefix.end() + blank :] if prefix else line
        line = line[COLOURED.match(line).end() :]
        if DASHES.fullmatch(line):
            dashes += 1
        elif dashes == 1:
            kept.append(line.removeprefix(INDENT))
        if dashes == 2:
            break
    # Without the second line of dashes the message was cut off.
    return b"\n".join(kept) + (b"\n" if dashes == 2 else b"")
