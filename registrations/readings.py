"""Tells whoever looks for news which devices and tokens a batch was about."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from registrations.models import Feed, Reading

#: (device, token, moment) of a fact, by their keys.
News = tuple[int, int | None, datetime | None]


def note_reading(feed: Feed, facts: Iterable[News], read_at: datetime) -> None:
    """Store what the facts of a batch are about; forget old readings."""
    dated = [fact for fact in facts if fact[2] is not None]
    if not dated:
        return
    devices, tokens, moments = map(set, zip(*dated, strict=True))
    ahead = max(feed.skew, timedelta())
    Reading.objects.create(
        feed=feed,
        read_at=read_at,
        devices=sorted(devices),
        tokens=sorted(tokens - {None}),
        since=min(moments) - ahead,
        until=max(moments) - ahead,
    )
    kept = read_at - Reading.KEPT
    Reading.objects.filter(feed=feed, read_at__lt=kept).delete()
