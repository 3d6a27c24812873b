"""What a linphone client logs of itself: here the REGISTER that was *sent* is the registration.

`2026-11-23 19:40:28:563 belle-sip-message-channel [0x…]: message sent to
[UDP://127.0.0.1:5070], size: [972] bytes`, then the message. From 5.3 on a blank follows
`message-`; the apps write `[linphone/belle-sip] MESSAGE ` instead, old ones only `MESSAGE `.
"""

from __future__ import annotations

import re
from datetime import datetime

from registrations.formats.form import Format, Lead
from registrations.formats.stamps import Stamps

PREFIX = re.compile(
    rb"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)[:.](\d{3}) "
    rb"(?:(?!flexisip)[\w.+-]+-(?:trace|debug|message|warning|error|fatal)-"
    rb"|(?:\[[^\]\r\n]{1,40}\] )?(?:TRACE|DEBUG|MESSAGE|INFO|WARNING|ERROR|FATAL) )"
)
SENT = re.compile(
    rb"channel \[\w+\]: message sent to \[[^\]]+\](?:[^\]]*?size: \[(\d+)\] bytes)?"
)
RECEIVED = re.compile(rb"channel \[\w+\]: received \[\d+\] new bytes from \[")


def told(text: bytes) -> Lead | None:
    """What a line of a channel's says of the message behind it; None for any other line."""
    sent = SENT.search(text)
    if sent is not None:
        return Lead(size=int(sent[1]) if sent[1] else None, received=True)
    # Bytes of a stream: a message may be a part of them.
    return Lead(received=False) if RECEIVED.search(text) else None


class Linphone(Format):
    """A time and the name of a library before the first line of each record."""

    name = "linphone"
    prefix = PREFIX
    markers = (b": message sent to [", b" new bytes from [")
    announces = True

    def __init__(self, stamps: Stamps) -> None:
        self._stamps = stamps

    def lead(self, line: bytes, position: int) -> Lead | None:
        prefix = PREFIX.match(line)
        if prefix is None:
            return None
        lead = told(line) or Lead(received=False)
        lead.at = self._moment(prefix)
        return lead

    def moment(self, line: bytes) -> datetime | None:
        prefix = PREFIX.match(line)
        return self._moment(prefix) if prefix else None

    def _moment(self, prefix: re.Match[bytes]) -> datetime | None:
        *parts, millis = (int(part) for part in prefix.groups())
        return self._stamps.at(*parts, millis * 1000)
