"""How far the feeds that could show a proof have been read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from registrations.models import Feed, Sighting

#: A feed that saw the device in this time could have shown the proof.
SEEN_WITHIN = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Watermark:
    """`read_until` of the slowest feed that counts, None when there is none.

    `held_by(deadline)` names what holds a verdict.
    """

    feeds: tuple[Feed, ...]

    @property
    def read_until(self) -> datetime | None:
        moments = [feed.seen_until for feed in self.feeds]
        return min(moments) if moments and None not in moments else None

    def held_by(self, deadline: datetime, now: datetime) -> list[dict]:
        """The feeds not yet read past `deadline`, when it is past itself."""
        if now < deadline:
            return []
        if not self.feeds:
            return [{"feed": "", "behind_seconds": None, "why": "no feed"}]
        return [
            _lag(feed, now)
            for feed in self.feeds
            if feed.seen_until is None or feed.seen_until < deadline
        ]


def _lag(feed: Feed, now: datetime) -> dict:
    if feed.seen_until is None:
        return {"feed": feed.name, "behind_seconds": None, "why": "never read"}
    behind = now - feed.seen_until
    why = "silent" if behind > feed.heartbeat else "behind"
    seconds = round(behind.total_seconds())
    return {"feed": feed.name, "behind_seconds": seconds, "why": why}


class Watermarks:
    """The watermark of any device, with few queries."""

    def __init__(self, device_ids: Iterable[int], now: datetime) -> None:
        enabled = Feed.objects.filter(enabled=True)
        can_show = enabled.filter(Q(followed=True) | Q(shows_times=True))
        self._feeds = {feed.pk: feed for feed in can_show}
        self._of_device: dict[int, set[int]] = defaultdict(set)
        since = now - SEEN_WITHIN
        rows = Sighting.objects.filter(
            device__in=list(device_ids), moment__gte=since, day__gte=since.date()
        )
        for device, feed in rows.values_list("device", "feed").distinct():
            self._of_device[device].add(feed)

    def of(self, device_ids: Iterable[int]) -> Watermark:
        """The feeds that saw these devices lately, else all; followed ones before others."""
        seen = {feed for device in device_ids for feed in self._of_device[device]}
        feeds = [self._feeds[pk] for pk in seen if pk in self._feeds]
        feeds = feeds or list(self._feeds.values())
        followed = [feed for feed in feeds if feed.followed]
        return Watermark(tuple(followed or feeds))
