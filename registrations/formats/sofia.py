"""sofia-sip's message log, as FreeSWITCH, drachtio and (with TPORT_LOG) Flexisip print it.

`recv 938 bytes from tcp/[1.2.3.4]:5060 at 19:23:18.926000:`, a line of dashes, the message
with three spaces before each line, dashes again (tport_logging.c). The time is that of a
day nobody names.
"""

from __future__ import annotations

import re
from datetime import datetime

from registrations.formats.flexisip import PREFIX as FLEXISIP
from registrations.formats.stamps import ISO, Stamps
from registrations.formats.wrapped import Envelope, Wrapper

LOGGER = re.compile(FLEXISIP.pattern + rb" ?")
HEADER = re.compile(
    # A line of a message is indented: it cannot be a header.
    rb"(?:" + FLEXISIP.pattern + rb" ?)?(?:\S[^\n]{0,200}? )??(recv|send) \d+ bytes "
    rb"(?:from|to) "
    rb"(udp|tcp|tls|sctp|ws|wss)/\[([^\]\s]+)\]:(\d{1,5}) at ([^\n]*):\r?\n",
)
#: A line of FreeSWITCH's own, which looks like syslog's else.
FREESWITCH = re.compile(
    rb"(?:[0-9a-f-]{36} )?\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ (?:\d+\.\d+% )?"
    rb"\[(?:CONSOLE|ALERT|CRIT|ERR|WARNING|NOTICE|INFO|DEBUG)\] "
)
#: What only logs of this kind have.
SHAPE = re.compile(HEADER.pattern + rb"|" + FREESWITCH.pattern)
INDENT = b"   "
DASHES = re.compile(rb" {0,3}-{20,}\s*")


class Sofia(Wrapper):
    """A header line for each message, received or sent."""

    name = "sofia"
    markers = (b" bytes from ", b" bytes to ")
    header = HEADER
    has_ends = True

    def __init__(self, stamps: Stamps) -> None:
        self._stamps = stamps

    def is_one_line(self, line: bytes) -> bool:
        return False

    def unwrap(self, record: bytes) -> Envelope | None:
        header = HEADER.match(record)
        if header is None:
            return None
        direction, protocol, host, port = (
            part.decode("ascii", "replace") for part in header.groups()[-5:-1]
        )
        host = f"[{host}]" if ":" in host else host
        return Envelope(
            text=_message(record[header.end() :]),
            at=self._moment(header),
            source=f"{protocol}:{host}:{port}",
            received=direction == "recv",
        )

    def moment(self, line: bytes) -> datetime | None:
        header = HEADER.match(line)
        return self._moment(header) if header else None

    def _moment(self, header: re.Match[bytes]) -> datetime | None:
        found = ISO.match(header[0]) or ISO.match(header.groups()[-1])
        return self._stamps.iso(found) if found else None


def _message(lines: bytes) -> bytes:
    """The lines between the dashes, without indent and logger's prefix."""
    kept, dashes = [], 0
    for line in lines.split(b"\n"):
        prefix = LOGGER.match(line)
        line = line[prefix.end() :] if prefix else line
        if DASHES.fullmatch(line):
            dashes += 1
        elif dashes == 1:
            kept.append(line.removeprefix(INDENT))
        if dashes == 2:
            break
    # Without the second line of dashes the message was cut off.
    return b"\n".join(kept) + (b"\n" if dashes == 2 else b"")
