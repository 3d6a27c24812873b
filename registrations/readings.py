"""Tells whoever looks for news which devices and tokens a batch was about."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from registrations.models import DeviceEvent, Feed, Reading, Sighting


class News(NamedTuple):
    """What a fact is about; sightings and events have the same names."""

    device_id: int
    token_id: int | None
    moment: datetime | None


def note_reading(
    feed: Feed, facts: Iterable[News | Sighting | DeviceEvent], read_at: datetime
) -> None:
    """Store what the facts of a batch are about; forget old readings."""
    dated = [fact for fact in facts if fact.moment is not None]
    if not dated:
        return
    ahead = max(feed.skew, timedelta())
    moments = [fact.moment for fact in dated]
    Reading.objects.create(
        feed=feed,
        read_at=read_at,
        devices=sorted({fact.device_id for fact in dated}),
        tokens=sorted({fact.token_id for fact in dated if fact.token_id}),
        since=min(moments) - ahead,
        until=max(moments) - ahead,
    )
    kept = read_at - Reading.KEPT
    Reading.objects.filter(feed=feed, read_at__lt=kept).delete()
