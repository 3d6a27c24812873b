"""Asterisk's `full` log: `pjsip set logger on`, and chan_sip's `sip set debug on`.

`[2026-11-23 19:36:17.017] VERBOSE[22075] res_pjsip_logger.c: <--- Received SIP request
(938 bytes) from UDP:127.0.0.1:15101 --->`, then the message. The console prints the arrows
alone, and chan_sip puts them on a line of their own.
"""

from __future__ import annotations

import re
from datetime import datetime

from registrations.formats.form import Format, Lead, start_line
from registrations.formats.stamps import ISO, WITHOUT_YEAR, Stamps
from registrations.sip import Message

COLOUR = re.compile(rb"\x1b\[[0-9;]*[A-Za-z]")
PREFIX = re.compile(
    rb"(?:\x1b\[[0-9;]*m)*\[([^\]\r\n]{8,48})\] *(?:\x1b\[[0-9;]*m)*"
    rb"(?:(?:VERBOSE|NOTICE|WARNING|ERROR|DEBUG|DTMF|SECURITY|FAX)"
    rb"(?:\x1b\[[0-9;]*m)*\[\d+\]"
    # The console (`asterisk -T`) prints no level, but a mark of how much it tells.
    rb"|(?:(?:==|--|>) )?(?:\x1b\[[0-9;]*m)*(?=<--- ))"
)
ARROWS = re.compile(
    rb"<--- (?:"
    rb"(?P<way>Received|Transmitting) SIP (?:request|response) \((?P<size>\d+) bytes\)"
    rb" (?:from|to)"
    rb"|(?P<read>SIP read from)|(?:Reliably |Re)?[Tt]ransmitting[^>]*? to)"
    rb" (?:(?P<proto>\w+):(?://)?)?(?P<peer>\[[0-9A-Fa-f:.%]+\]:\d+|[\w.-]+:\d+) --->"
)
#: What the console prints stands at the begin of a line.
SHAPE = re.compile(PREFIX.pattern + rb"|(?:\x1b\[[0-9;]*m)*" + ARROWS.pattern)


def told(line: bytes) -> Lead | None:
    """What a line `<--- … --->` says of the message behind it; None for any other line."""
    found = ARROWS.search(COLOUR.sub(b"", line))
    if found is None:
        return None
    received = found["way"] == b"Received" or found["read"] is not None
    protocol = (found["proto"] or b"udp").lower()
    source = b"%b:%b" % (protocol, found["peer"])
    return Lead(
        source=source.decode("ascii", "replace") if received else None,
        size=int(found["size"]) if found["size"] else None,
        received=received,
    )


class Asterisk(Format):
    """A time in brackets and a level before each record."""

    name = "asterisk"
    prefix = PREFIX
    #: The second ends a line of chan_sip's whose arrows follow in the next one.
    markers = (b"<--- ", b".c: \n")
    announces = True
    may_lose_ends = True
    #: Without a prefix the arrows begin the line.
    start = start_line(rb"(?!%b|(?:%b)*<)" % (PREFIX.pattern, COLOUR.pattern))

    def __init__(self, stamps: Stamps) -> None:
        self._stamps = stamps
        self._at: datetime | None = None
        self._anchor: int | None = None

    @property
    def anchor(self) -> int | None:
        return self._anchor

    def lead(self, line: bytes, position: int) -> Lead | None:
        prefix = PREFIX.match(line)
        if prefix is not None:
            self._at = self._moment(prefix)
            self._anchor = position if line.rstrip().endswith(b".c:") else None
        lead = told(line)
        if lead is not None and (
            prefix is not None or COLOUR.sub(b"", line)[:1] == b"<"
        ):
            lead.at = self._at
            return lead
        return Lead(at=self._at, received=False) if prefix is not None else None

    def message_read(self, lead: Lead, message: Message) -> Lead:
        self._at = self._anchor = None
        return lead

    def moment(self, line: bytes) -> datetime | None:
        prefix = PREFIX.match(line)
        return self._moment(prefix) if prefix else None

    def _moment(self, prefix: re.Match[bytes]) -> datetime | None:
        """The default date format of logger.conf, or one with a year."""
        found = ISO.match(prefix[1])
        if found is not None:
            return self._stamps.iso(found)
        found = WITHOUT_YEAR.match(prefix[1])
        return self._stamps.without_year(found) if found else None
