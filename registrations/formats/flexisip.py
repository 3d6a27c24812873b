"""Flexisip's main log at debug level, 0.8 to 2.4 and 2.5 on (SIP.md §2).

Only the first line of a record has the prefix `2026-07-01 08:00:00:001 flexisip-debug-`:
local time without zone, milliseconds behind a colon. Function names differ between builds,
so the words behind ` - ` count.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, replace
from datetime import datetime

from registrations.formats.form import Format, Lead
from registrations.formats.record import Answer
from registrations.formats.stamps import Stamps

PREFIX = re.compile(
    rb"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d):(\d{3}) "
    rb"flexisip(?:-user)?-(?:debug|message|warning|error|fatal)-"
)
POINTER = re.compile(rb"\[(0x[0-9a-fA-F]+)\]")
RECEIVED = re.compile(rb"Received SIP request|Receiving new Request SIP message")
RESPONSE = re.compile(rb"Received SIP response|Receiving new Response SIP message")
SENT = re.compile(rb"Sending SIP re|Sending Re(?:quest|sponse) SIP message")
REPLIED = re.compile(
    rb"(?:Replying to SIP request|Replying Request SIP message): (\d{3})"
)
REGISTER = re.compile(rb"(?:\[0x[0-9a-fA-F]+\]|SIP message) REGISTER\b")
#: From 2.5 on: method, CSeq and Call-ID of the message that is dumped next.
IDENT = re.compile(rb"\[0x[0-9a-fA-F]+\] (\w+) \((\d{1,10}) - (\S+)\)")
CALL_ID = re.compile(rb"(?i)\n(?:call-id|i)[ \t]*:[ \t]*(\S+)")
CSEQ = re.compile(rb"(?i)\ncseq[ \t]*:[ \t]*(\d{1,10})[ \t]+(\w+)")
#: Announcements whose dump may still come: those of other threads stand between.
MOST_ANNOUNCED = 64
MOST_FOREIGN = 10_000
MESSAGE = re.compile(rb"Message:\s*$")


@dataclass(frozen=True, slots=True)
class Announced:
    """A line that says which message is dumped soon, and in which direction it went."""

    ident: tuple[bytes, ...]
    key: str | None
    received: bool


class Exchange:
    """Follows which request a dump and a reply belong to, by Flexisip's own words."""

    def __init__(self) -> None:
        #: The line a dump to come depends on.
        self.anchor: int | None = None
        self._key: str | None = None
        self._received = False
        self._is_register = False
        #: Pointers of requests other than REGISTER: their replies are not ours.
        self._foreign: dict[str, None] = {}
        self._announced: deque[Announced] = deque(maxlen=MOST_ANNOUNCED)

    def told(self, text: bytes, at: datetime | None, position: int) -> Lead | None:
        """What a line without its prefix says; None where it is none of Flexisip's words."""
        is_dump, is_received = MESSAGE.search(text), RECEIVED.search(text)
        replied = REPLIED.search(text)
        is_other = replied or RESPONSE.search(text) or SENT.search(text)
        if not is_dump:
            self.anchor = None
        if not (is_dump or is_received or is_other):
            return None
        pointer = POINTER.search(text)
        key = pointer[1].decode() if pointer else None
        ident = IDENT.search(text)
        if ident is not None and not replied:
            one = Announced(ident.groups(), key, is_received is not None)
            self._announced.append(one)
        if is_received:
            self._key, self._received, self.anchor = key, True, position
            self._note_method(text, key)
        elif not is_dump:
            self._key, self._received = None, False
        if replied is not None and self._is_ours(text, key):
            answer = Answer(position=position, at=at, status=int(replied[1]), key=key)
            return Lead(at=at, received=False, answer=answer)
        is_shown = bool(is_dump or is_received)
        return Lead(at=at, key=self._key, received=self._received and is_shown)

    def _note_method(self, text: bytes, key: str | None) -> None:
        self._is_register = REGISTER.search(text) is not None
        if key is None:
            return
        self._foreign.pop(key, None)
        if not self._is_register:
            self._foreign[key] = None
            if len(self._foreign) > MOST_FOREIGN:
                del self._foreign[next(iter(self._foreign))]

    def _is_ours(self, text: bytes, key: str | None) -> bool:
        """A reply to a REGISTER: by its pointer, else it follows one or says so."""
        if key is not None:
            return key not in self._foreign
        return self._is_register or b"Registration" in text

    def message_read(self, lead: Lead, raw: bytes) -> Lead:
        """The dump was read: the next one is another message's.

        Where the lines of several threads mix, the message says which line announced it.
        """
        self._key, self._received, self.anchor = None, False, None
        if self._announced:
            call_id, cseq = CALL_ID.search(raw), CSEQ.search(raw)
            ident = (cseq[2], cseq[1], call_id[1]) if call_id and cseq else ()
            for one in self._announced:
                if one.ident == ident:
                    self._announced.remove(one)
                    return replace(lead, key=one.key, received=one.received)
        return lead


class Flexisip(Format):
    """A prefix with a time before the first line of each record."""

    name = "flexisip"
    prefix = PREFIX
    markers = (b" SIP ", b"Message:")
    always_answers = True
    #: `[N bytes of body hidden]` stands in place of most bodies.
    has_bodies = False
    announces = True

    def __init__(self, stamps: Stamps) -> None:
        self._stamps = stamps
        self._exchange = Exchange()

    @property
    def anchor(self) -> int | None:
        return self._exchange.anchor

    def lead(self, line: bytes, position: int) -> Lead | None:
        prefix = PREFIX.match(line)
        if prefix is None:
            return None
        at = self._moment(prefix)
        told = self._exchange.told(line[prefix.end() :], at, position)
        return told or Lead(at=at, received=False)

    def message_read(self, lead: Lead, raw: bytes) -> Lead:
        return self._exchange.message_read(lead, raw)

    def moment(self, line: bytes) -> datetime | None:
        prefix = PREFIX.match(line)
        return self._moment(prefix) if prefix else None

    def _moment(self, prefix: re.Match[bytes]) -> datetime | None:
        *parts, millis = (int(part) for part in prefix.groups())
        return self._stamps.at(*parts, millis * 1000)
