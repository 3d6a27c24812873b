"""Flexisip's main log at debug level, 0.8 to 2.4 and 2.5 on (SIP.md §2).

Only the first line of a record has the prefix `2026-07-01 08:00:00:001 flexisip-debug-`:
local time without zone, milliseconds behind a colon. Function names differ between builds,
so the words behind ` - ` count.
"""

from __future__ import annotations

import re
from collections import deque
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from registrations.formats.flexisip_pushes import MARKERS, PARTS_OF_OUTER, Pushes
from registrations.formats.form import Format, Lead
from registrations.formats.record import Answer
from registrations.formats.stamps import Stamps
from registrations.sip import Message, cleaned, made

PREFIX = re.compile(
    rb"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d:\d{3}) "
    rb"flexisip(?:-user)?-(?:debug|message|warning|error|fatal)-"
)
STAMP = re.compile(rb"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)")
POINTER = re.compile(rb"\[(0x[0-9a-fA-F]+)\]")
#: What was received; the status that was replied; and what else a dump may follow.
#: The first letter apart, so that it is looked for first.
WORDS = re.compile(
    rb"[RS](?:(eceived SIP request|eceiving new Request SIP message)"
    rb"|eplying (?:to SIP request|Request SIP message): (\d{3})"
    rb"|eceived SIP response|eceiving new Response SIP message"
    rb"|ending SIP re|ending Re(?:quest|sponse) SIP message)"
)
REGISTER = re.compile(rb"(?:\[0x[0-9a-fA-F]+\]|SIP message) REGISTER\b")
#: From 2.5 on: method, CSeq and Call-ID of the message that is dumped next.
BEHIND_POINTER = rb" (\w+) \((\d{1,10}) - (\S+)\)"
IDENT = re.compile(rb"\[0x[0-9a-fA-F]+\]" + BEHIND_POINTER)
USUAL_IDENT = re.compile(BEHIND_POINTER)
CSEQ = re.compile(rb"\s*(\d{1,10})[ \t]+(\w+)")
#: Announcements whose dump may still come: those of other threads stand between.
MOST_ANNOUNCED = 64
MOST_FOREIGN = 10_000
DUMP = b"Message:"
#: In all of `WORDS`.
OF_SIP = b" SIP "
MILLIS = [timedelta(milliseconds=one) for one in range(1000)]


def is_of_message(line: bytes) -> bool:
    """A line that tells of a message, or one that belongs to the dump of one."""
    is_of_log = PREFIX.match(line) is not None
    return not is_of_log or bool(WORDS.search(line)) or line.rstrip().endswith(DUMP)


class Announced(NamedTuple):
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
        words = WORDS.search(text) if text.find(OF_SIP) >= 0 else None
        if words is None:
            if not text.rstrip().endswith(DUMP):
                self.anchor = None
                return None
            return Lead(0, at, None, self._key, self._received)
        self.anchor = None
        pointer, (received, status) = POINTER.search(text), words.groups()
        key = pointer[1].decode() if pointer else None
        if status is not None:
            return self._replied(text, at, position, int(status), key)
        ident = _ident_in(text, pointer)
        if ident is not None:
            one = (ident, key, received is not None)
            self._announced.append(made(Announced, one))
        if received is None:
            self._key, self._received = None, False
            return Lead(at=at, received=False)
        self._key, self._received, self.anchor = key, True, position
        self._note_method(text, ident, key)
        return Lead(0, at, None, key)

    def _replied(
        self, text: bytes, at: datetime | None, position: int, status: int, key
    ) -> Lead:
        self._key, self._received = None, False
        if not self._is_ours(text, key):
            return Lead(at=at, received=False)
        answer = made(Answer, (position, at, status, None, None, key))
        return Lead(0, at, None, None, False, None, answer)

    def _note_method(
        self, text: bytes, ident: tuple[bytes, ...] | None, key: str | None
    ) -> None:
        self._is_register = (
            ident[0] == b"REGISTER" if ident else REGISTER.search(text) is not None
        )
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

    def message_read(self, lead: Lead, message: Message) -> Lead:
        """The dump was read: the next one is another message's.

        Where the lines of several threads mix, the message says which line announced it.
        """
        self._key, self._received, self.anchor = None, False, None
        if self._announced:
            ident = ident_of(message)
            for one in self._announced:
                if one.ident == ident:
                    self._announced.remove(one)
                    lead.key, lead.received = one.key, one.received
                    break
        return lead


def _ident_in(text: bytes, pointer: re.Match[bytes] | None) -> tuple[bytes, ...] | None:
    """Method, CSeq and Call-ID that a line names behind a pointer, nearly always its first."""
    if pointer is None:
        return None
    end = pointer.end()
    found = USUAL_IDENT.match(text, end) or IDENT.search(text, end)
    return found.groups() if found else None


def ident_of(message: Message) -> tuple[bytes, ...]:
    """Method, CSeq and Call-ID of a message, as the line before it has them."""
    cseq = _number_and_method(message.cseq or b"")
    call_id = cleaned(message.call_id or b"")
    return (*cseq, call_id) if cseq and call_id else ()


@lru_cache(1024)
def _number_and_method(cseq: bytes) -> tuple[bytes, bytes] | None:
    found = CSEQ.match(cseq)
    return (found[2], found[1]) if found else None


class Flexisip(Format):
    """A prefix with a time before the first line of each record."""

    name = "flexisip"
    prefix = PREFIX
    #: A line `Message:` is read with the message behind it.
    markers = (OF_SIP,)
    always_answers = True
    #: `[N bytes of body hidden]` stands in place of most bodies.
    has_bodies = False
    announces = True

    def __init__(self, stamps: Stamps) -> None:
        self._stamps = stamps
        self._exchange = Exchange()
        self._pushes = Pushes()
        #: The stamp that was last worked out, and its second: many lines have the same.
        self._stamp, self._at = b"", None
        self._second, self._begun = b"", None

    def markers_in(self, data: bytes, start: int) -> tuple[bytes, ...]:
        # Each marker is a pass over all bytes, and most logs hold no push.
        has_pushes = self._pushes.is_under_way or any(
            data.find(one, start) >= 0 for one in PARTS_OF_OUTER
        )
        return (*self.markers, *MARKERS) if has_pushes else self.markers

    @property
    def anchor(self) -> int | None:
        return self._exchange.anchor

    def lead(self, line: bytes, position: int) -> Lead | None:
        prefix = PREFIX.match(line)
        if prefix is None:
            self._pushes.inside(line)
            return None
        at, text = self._moment(prefix), line[prefix.end() :]
        # Most lines that are read are of SIP messages, and those are never of a push.
        if text.find(OF_SIP) >= 0:
            self._pushes.leave()
        elif (push := self._pushes.told(text, at, position)) is not None:
            return Lead(at=at, received=False, records=(push,))
        told = self._exchange.told(text, at, position)
        return told or Lead(0, at, None, None, False)

    def message_read(self, lead: Lead, message: Message) -> Lead:
        return self._exchange.message_read(lead, message)

    def moment(self, line: bytes) -> datetime | None:
        prefix = PREFIX.match(line)
        return self._moment(prefix) if prefix else None

    def _moment(self, prefix: re.Match[bytes]) -> datetime | None:
        stamp = prefix[1]
        if stamp != self._stamp:
            second, millis = stamp[:-4], int(stamp[-3:])
            if second != self._second:
                parts = map(int, STAMP.fullmatch(second).groups())
                self._second, self._begun = second, self._stamps.at(*parts)
            begun = self._begun
            self._at = begun and begun + MILLIS[millis]
            self._stamp = stamp
        return self._at
