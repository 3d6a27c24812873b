"""Flexisip's event log on the file system: one line a registration (SIP.md §2 Files).

`users/<domain>/<user>/registers/2025-03-04.log`: `Tue Mar  4 10:15:42 2025: Registered
<display> <sip:from> (<contact URI>) <User-Agent>`, local time without zone. A line names
neither Call-ID nor CSeq nor expiry: the Call-ID here is made of the line, the CSeq is 1.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime

from registrations.formats.form import Format, Lead
from registrations.formats.rebuilt import register_text
from registrations.formats.record import Answer, Record, Request, Unreadable
from registrations.formats.stamps import MONTHS, Stamps

PREFIX = re.compile(
    rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
    rb" ([ \d]\d) (\d\d):(\d\d):(\d\d) (\d{4}): "
)
EVENT = re.compile(rb"(Registered|Unregistered) ")
FROM = re.compile(rb"[^\r\n]*?<(sips?:[^<>\s]+)> \(<?([^\s<>]*)>?\)(?: ([^\r\n]*))?\s*")
#: What ends the From and begins the Contact. A phone writes what stands before and behind.
MIDDLE = b"> ("
#: Flexisip prints a Contact URI into 500 bytes, the last of them NUL.
LONGEST_CONTACT = 499


class FlexisipEvents(Format):
    """What the registrar accepted: every line is its own answer."""

    name = "flexisip-events"
    prefix = PREFIX
    markers = (b": Registered ", b": Unregistered ")
    always_answers = True
    announces = True
    looks_back = False

    def __init__(self, stamps: Stamps) -> None:
        self._stamps = stamps

    def lead(self, line: bytes, position: int) -> Lead | None:
        prefix = PREFIX.match(line)
        event = EVENT.match(line, prefix.end()) if prefix else None
        if event is None:
            return None
        at = self._moment(prefix)
        return Lead(at=at, records=tuple(_told(line, event, position, at)))

    def moment(self, line: bytes) -> datetime | None:
        prefix = PREFIX.match(line)
        return self._moment(prefix) if prefix else None

    def _moment(self, prefix: re.Match[bytes]) -> datetime | None:
        month, day, hour, minute, second, year = prefix.groups()
        clock = int(hour), int(minute), int(second)
        return self._stamps.at(int(year), MONTHS[month], int(day), *clock, 0)


def _told(line: bytes, event: re.Match[bytes], position: int, at: datetime | None):
    found = FROM.fullmatch(line, event.end())
    if found is None or line.count(MIDDLE, event.end()) != 1:
        detail = "no From and Contact in the line, or two of them"
        yield _unreadable(line, position, at, "event_line", detail)
        return
    aor, contact, user_agent = found.groups()
    if len(contact) >= LONGEST_CONTACT:
        contact = contact.rpartition(b";")[0]
        detail = "the Contact is cut at 500 bytes; its last parameter is left out"
        yield _unreadable(line, position, at, "contact_cut", detail)
    yield from _accepted(line, position, at, event[1], aor, contact, user_agent)


def _accepted(
    line: bytes,
    position: int,
    at: datetime | None,
    event: bytes,
    aor: bytes,
    contact: bytes,
    user_agent: bytes | None,
) -> tuple[Record, Record]:
    call_id = f"flexisip-event-{hashlib.sha256(line.strip()).hexdigest()[:16]}"
    raw = register_text(
        to=b"<%b>" % aor,
        call_id=call_id.encode(),
        cseq=b"1",
        contact=b"<%b>" % contact if contact else None,
        expires=b"0" if event == b"Unregistered" else None,
        user_agent=user_agent or None,
    )
    request = Request(position=position, at=at, source=None, raw=raw)
    answer = Answer(position=position, at=at, status=200, call_id=call_id, cseq=1)
    return request, answer


def _unreadable(
    line: bytes, position: int, at: datetime | None, rule: str, detail: str
) -> Unreadable:
    return Unreadable(position=position, at=at, rule=rule, detail=detail, raw=line)
