"""The facts one batch leaves behind: registrations, sightings, turning points."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from registrations import partitions
from registrations.bulk import copy_into
from registrations.holdings import Turn
from registrations.known import DeviceRow, TokenRow, twins_of
from registrations.models import DeviceEvent, Feed, Registration, Sighting
from registrations.readings import note_reading
from registrations.sip import Register, redacted
from registrations.storable import clean_lines, small

#: Asked again with credentials, a registrar may say yes: these are no refusals.
CHALLENGES = (401, 407)
ACCEPTED = Sighting.Kind.REGISTER.value
CHALLENGED = Sighting.Kind.CHALLENGED.value
REFRESHED = Registration.Kind.REFRESHED.value
PLACE = {
    "day": "date",
    "moment": "timestamptz",
    "estimated": "boolean",
    "feed_id": "bigint",
    "file_id": "bigint",
    "position": "bigint",
    "call_id": "text",
}
#: Where it stands in rows of both tables: in the place, which ends them.
MOMENT = list(PLACE).index("moment") - len(PLACE)
REGISTRATION = {
    "device_id": "bigint",
    "kind": "text",
    "cseq": "bigint",
    "expires": "bigint",
    "assumed": "boolean",
    "fingerprint": "text",
    "line": "text",
    **PLACE,
}
SIGHTING = {
    "device_id": "bigint",
    "token_id": "bigint",
    "kind": "text",
    "code": "int2",
    "skew_ms": "int4",
    "line": "text",
    **PLACE,
}
EVENT = {
    "device_id": "bigint",
    "token_id": "bigint",
    "kind": "text",
    "moment": "timestamptz",
    "before": "jsonb",
    "after": "jsonb",
    "feed_id": "bigint",
    "position": "bigint",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a registrar's listing says of a binding: `until` when (None: no end known), and
    `at` which moment it was seen to hold.
    """

    until: datetime | None
    at: datetime


class Judged(NamedTuple):
    """A REGISTER with what became of it. `moment`: of the first copy of its round.

    `accepted`: the registrar took it (or we assume so: `assumed`). `is_same`: it folds into
    a registration already stored and only brings the device up to date. `held`: it was not
    read as a REGISTER but found in a registrar's listing. `is_next`: it answers a challenge.
    """

    register: Register
    raw: bytes
    file_id: int
    position: int
    moment: datetime | None
    estimated: bool
    status: int | None
    accepted: bool
    assumed: bool
    is_same: bool
    held: Held | None = None
    is_next: bool = False

    @property
    def as_of(self) -> datetime | None:
        """The moment of which it speaks; what the row says of later ones stays."""
        return self.held.at if self.held else self.moment

    @property
    def is_refused(self) -> bool:
        """The registrar said no, and asked for no credentials."""
        return (self.status or 0) >= 400 and self.status not in CHALLENGES


class Facts:
    """Collects the facts of one batch and writes them in bulk."""

    def __init__(self, feed: Feed, read_at: datetime) -> None:
        self._feed, self._feed_id, self._read_at = feed, feed.pk, read_at
        self._days = partitions.Days(read_at)
        self._skew_ms = feed.skew // timedelta(milliseconds=1)
        self._registrations: list[tuple[DeviceRow, Judged, tuple]] = []
        self._sightings: list[tuple[DeviceRow, Judged, TokenRow | None]] = []
        #: Rows of both, of REGISTERs that only repeat: their devices have an id already.
        self._refreshes: list[tuple] = []
        self._signs: list[tuple] = []
        self._late: list[tuple[DeviceRow, Judged]] = []
        #: By the item's id(): registration and sighting of one REGISTER share its place.
        self._places: dict[int, tuple] = {}

    def prepare(self, items: Iterable[Judged]) -> None:
        """Make the partitions of their days, before any row is locked."""
        self._places = {id(item): self._place(item) for item in items}
        partitions.ensure({place[0] for place in self._places.values()})

    def registration(
        self, device: DeviceRow, item: Judged, kind: str, expires: int, *, is_news: bool
    ) -> None:
        """An accepted REGISTER; its text is kept only where it is news."""
        line = clean_lines(redacted(item.raw)) if is_news else ""
        values = self._values(device, item, str(kind), expires, line)
        self._registrations.append((device, item, values))
        self._note_late(device, item)

    def sighting(self, device: DeviceRow, item: Judged, token: TokenRow | None) -> None:
        """A sign of life: accepted, or only challenged. `token`: its voip token."""
        self._sightings.append((device, item, token))
        self._note_late(device, item)

    def refresh(self, device: DeviceRow, item: Judged, expires: int) -> None:
        """Both, of a REGISTER that repeats what is stored."""
        self._signs.append(self._sign(device.id, device.voip_id, item))
        if item.accepted:
            values = self._values(device, item, REFRESHED, expires, "")
            self._refreshes.append((device.id, *values, *self._places[id(item)]))
        self._note_late(device, item)

    def _values(self, device, item: Judged, kind: str, expires: int, line: str):
        fingerprint = hashlib.sha256(device.contact.encode()).hexdigest()[:8]
        cseq = small(item.register.cseq)
        return kind, cseq, expires, item.assumed, fingerprint, line

    def _sign(self, device_id: int, token_id: int | None, item: Judged) -> tuple:
        kind = ACCEPTED if item.accepted else CHALLENGED
        skew_ms = 0 if item.estimated else self._skew_ms
        place = self._places[id(item)]
        return device_id, token_id, kind, item.status, skew_ms, _summary(item), *place

    def _place(self, item: Judged) -> tuple:
        return (
            self._days.of(item.moment),
            item.moment,
            item.estimated,
            self._feed_id,
            item.file_id,
            item.position,
            item.register.call_id,
        )

    def _note_late(self, device: DeviceRow, item: Judged) -> None:
        newest = device.seen_before
        if newest is not None and item.moment is not None and item.moment <= newest:
            self._late.append((device, item))

    def save(self, turns: Iterable[Turn]) -> None:
        """Write what was collected; devices and tokens are saved by now."""
        turns, stored = list(turns), self._stored()
        registrations = self._refreshes + [
            (device.id, *values, *self._places[id(item)])
            for device, item, values in self._registrations
        ]
        signs = self._signs + [
            self._sign(device.id, token and token.id, item)
            for device, item, token in self._sightings
        ]
        copy_into(
            Registration._meta.db_table,
            REGISTRATION,
            _unstored(registrations, stored, lambda row: ACCEPTED),
        )
        copy_into(
            Sighting._meta.db_table,
            SIGHTING,
            _unstored(signs, stored, lambda row: row[2]),
        )
        copy_into(DeviceEvent._meta.db_table, EVENT, map(self._event, turns))
        self._note_reading(signs, turns)

    def _note_reading(self, signs: list[tuple], turns: list[Turn]) -> None:
        facts = [(row[0], row[1], row[MOMENT]) for row in signs]
        facts += [
            (turn.device.id, turn.token and turn.token.id, turn.moment)
            for turn in turns
        ]
        note_reading(self._feed, facts, self._read_at)

    def _stored(self) -> set[tuple]:
        """Of the late ones, those that are repeated lines: their facts are there."""
        late = [
            (device.id, self._days.of(item.moment), item.moment)
            for device, item in self._late
        ]
        return twins_of(self._feed_id, late) if late else set()

    def _event(self, turn: Turn) -> tuple:
        return (
            turn.device.id,
            turn.token and turn.token.id,
            str(turn.kind),
            turn.moment,
            turn.before,
            turn.after,
            self._feed_id,
            turn.position,
        )


def _unstored(
    rows: list[tuple], stored: set[tuple], kind_of: Callable[[tuple], str]
) -> list[tuple]:
    """Those whose (device, moment, kind, Call-ID) is not there."""
    if not stored:
        return rows
    return [
        row
        for row in rows
        if (row[0], row[MOMENT], kind_of(row), row[-1]) not in stored
    ]


def _summary(item: Judged) -> str:
    register = item.register
    answer = item.status or ("assumed accepted" if item.assumed else "no answer seen")
    return f"REGISTER {register.aor} ({register.cseq} - {register.call_id}) {answer}"
