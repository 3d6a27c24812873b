"""The facts one batch leaves behind: registrations, sightings, turning points."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from registrations import partitions
from registrations.models import (
    Device,
    DeviceEvent,
    Feed,
    PushToken,
    Reading,
    Registration,
    Sighting,
)
from registrations.sip import Register, redacted
from registrations.storable import clean


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a registrar's listing says of a binding: `until` when (None: no end known), and
    `at` which moment it was seen to hold.
    """

    until: datetime | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A REGISTER with what became of it. `moment`: of the first copy of its round.

    `accepted`: the registrar took it (or we assume so: `assumed`). `is_same`: it folds into
    a registration already stored and only brings the device up to date. `held`: it was not
    read as a REGISTER but found in a registrar's listing.
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

    @property
    def as_of(self) -> datetime | None:
        """The moment of which it speaks; what the row says of later ones stays."""
        return self.held.at if self.held else self.moment


class Facts:
    """Collects the facts of one batch and writes them in bulk."""

    def __init__(self, feed: Feed, read_at: datetime) -> None:
        self._feed, self._read_at = feed, read_at
        self._skew_ms = feed.skew // timedelta(milliseconds=1)
        self._events: list[DeviceEvent] = []
        self._registrations: list[Registration] = []
        self._sightings: list[Sighting] = []

    def event(
        self,
        device: Device,
        item: Judged,
        kind: str,
        token: PushToken | None = None,
        before: dict | None = None,
        after: dict | None = None,
    ) -> None:
        """A turning point of a device."""
        self._events.append(
            DeviceEvent(
                device=device,
                token=token,
                kind=kind,
                moment=item.moment,
                before=before or {},
                after=after or {},
                feed=self._feed,
                position=item.position,
            )
        )

    def registration(
        self, device: Device, item: Judged, kind: str, expires: int, *, is_news: bool
    ) -> None:
        """An accepted REGISTER; its text is kept only where it is news."""
        fingerprint = hashlib.sha256(device.contact.encode()).hexdigest()[:16]
        self._registrations.append(
            Registration(
                device=device,
                kind=kind,
                cseq=small(item.register.cseq),
                expires=expires,
                assumed=item.assumed,
                fingerprint=fingerprint,
                line=clean(redacted(item.raw)) if is_news else "",
                **self._place(item),
            )
        )

    def sighting(self, device: Device, item: Judged, token: PushToken | None) -> None:
        """A sign of life: accepted, or only challenged. `token`: its voip token."""
        kind = Sighting.Kind.REGISTER if item.accepted else Sighting.Kind.CHALLENGED
        self._sightings.append(
            Sighting(
                device=device,
                token=token,
                kind=kind,
                code=item.status,
                skew_ms=0 if item.estimated else self._skew_ms,
                line=_summary(item),
                **self._place(item),
            )
        )

    def save(self) -> None:
        """Write what was collected; devices and tokens are saved by now."""
        facts = [*self._registrations, *self._sightings]
        partitions.ensure(fact.day for fact in facts)
        DeviceEvent.objects.bulk_create(linked(self._events))
        Registration.objects.bulk_create(linked(self._registrations), 1000)
        Sighting.objects.bulk_create(linked(self._sightings), 1000)
        note_reading(self._feed, [*self._sightings, *self._events], self._read_at)

    def _place(self, item: Judged) -> dict:
        return {
            "day": partitions.day_of(item.moment, self._read_at),
            "moment": item.moment,
            "estimated": item.estimated,
            "feed": self._feed,
            "file_id": item.file_id,
            "position": item.position,
            "call_id": item.register.call_id,
        }


def note_reading(
    feed: Feed, facts: Iterable[Sighting | DeviceEvent], read_at: datetime
) -> None:
    """Tell what looks for news which devices these facts are about; forget old readings."""
    dated = [fact for fact in facts if fact.moment is not None]
    if not dated:
        return
    ahead = max(feed.skew, timedelta())
    moments = [fact.moment - ahead for fact in dated]
    Reading.objects.create(
        feed=feed,
        read_at=read_at,
        devices=sorted({fact.device_id for fact in dated}),
        tokens=sorted({fact.token_id for fact in dated if fact.token_id}),
        since=min(moments),
        until=max(moments),
    )
    kept = read_at - Reading.KEPT
    Reading.objects.filter(feed=feed, read_at__lt=kept).delete()


def linked(rows: Iterable) -> list:
    """The rows with the keys of the devices and tokens that were saved just now."""
    rows = list(rows)
    for row in rows:
        row.device = row.device
        if getattr(row, "token", None) is not None:
            row.token = row.token
    return rows


def small(cseq: int) -> int:
    """A CSeq fits in 31 bits (RFC 3261 §8.1.1.5); more must not break the row."""
    return min(cseq, 2**62)


def _summary(item: Judged) -> str:
    register = item.register
    answer = item.status or ("assumed accepted" if item.assumed else "no answer seen")
    return f"REGISTER {register.aor} ({register.cseq} - {register.call_id}) {answer}"
