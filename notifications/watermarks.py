"""How far the feeds that could show a proof have been read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Q

from notifications.models import Call
from registrations.models import Feed, Gap

#: A feed that saw the device in this time could have shown the proof.
SEEN_WITHIN = timedelta(days=7)
SEEN_BY = """
    SELECT device_id, feed_id FROM registrations_sighting
    WHERE device_id = ANY(%s) AND moment >= %s AND day >= %s GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Watermark:
    """The feeds that count for one device, and what they may have lost.

    `held_by(deadline)` names what holds a verdict.
    """

    feeds: tuple[Feed, ...]
    gaps: tuple[Gap, ...] = ()

    @property
    def slowest(self) -> Feed | None:
        """The feed that was read least far; None when there is none."""
        return min(self.feeds, key=_how_far, default=None)

    @property
    def read_until(self) -> datetime | None:
        """How far the slowest was read."""
        return read_until(self.slowest) if self.feeds else None

    def is_blind_in(self, since: datetime, until: datetime) -> bool:
        """One of the feeds lost something of that time: that it shows nothing says nothing."""
        return any(gap.since <= until and since <= gap.until for gap in self.gaps)

    def held_by(self, deadline: datetime, now: datetime) -> list[dict]:
        """The feeds not yet read past `deadline`, when it is past itself."""
        if now < deadline:
            return []
        if not self.feeds:
            return [{"feed": "", "behind_seconds": None, "why": "no feed"}]
        return [
            _lag(feed, now)
            for feed in self.feeds
            if (until := read_until(feed)) is None or until < deadline
        ]


def read_until(feed: Feed) -> datetime | None:
    """By our clock. A feed whose time stamps run ahead is read no further than its reading."""
    if feed.seen_until is None:
        return None
    until = feed.seen_until - max(feed.skew, timedelta())
    return min(until, feed.last_read_at) if feed.last_read_at else until


def _how_far(feed: Feed) -> tuple:
    until = read_until(feed)
    return until is not None, until or 0, feed.pk


def _lag(feed: Feed, now: datetime) -> dict:
    until = read_until(feed)
    if until is None:
        return {"feed": feed.name, "behind_seconds": None, "why": "never read"}
    behind = now - until
    why = "silent" if behind > feed.heartbeat else "behind"
    seconds = round(behind.total_seconds())
    return {"feed": feed.name, "behind_seconds": seconds, "why": why}


def feeds_that_show() -> list[Feed]:
    """The enabled feeds that could show a proof."""
    enabled = Feed.objects.filter(enabled=True).defer("pending", "branches")
    return list(enabled.filter(Q(followed=True) | Q(shows_times=True)))


class Watermarks:
    """The watermark of any device, with few queries."""

    def __init__(
        self,
        device_ids: Iterable[int],
        now: datetime,
        feeds: Iterable[Feed] | None = None,
        gaps_in: tuple[datetime, datetime] | None = None,
    ) -> None:
        """`gaps_in`: the time in which gaps are asked for."""
        feeds = feeds_that_show() if feeds is None else feeds
        self._feeds = {feed.pk: feed for feed in feeds}
        self._of_device: dict[int, set[int]] = defaultdict(set)
        self._gaps = gaps_between(self._feeds, *gaps_in) if gaps_in else ()
        if len(self._feeds) > 1:
            self._load(list(device_ids), now - SEEN_WITHIN)

    def _load(self, device_ids: list[int], since: datetime) -> None:
        with connection.cursor() as cursor:
            cursor.execute(SEEN_BY, [device_ids, since, since.date()])
            for device, feed in cursor.fetchall():
                self._of_device[device].add(feed)

    def of(self, device_ids: Iterable[int]) -> Watermark:
        """The feeds that saw these devices lately, else all; followed ones before others."""
        seen = {feed for device in device_ids for feed in self._of_device[device]}
        feeds = [self._feeds[pk] for pk in seen if pk in self._feeds]
        feeds = feeds or list(self._feeds.values())
        followed = [feed for feed in feeds if feed.followed]
        counting = tuple(followed or feeds)
        return Watermark(counting, self._gaps_of(counting))

    def _gaps_of(self, feeds: Iterable[Feed]) -> tuple[Gap, ...]:
        pks = {feed.pk for feed in feeds} if self._gaps else set()
        return tuple(gap for gap in self._gaps if gap.feed_id in pks)


def gaps_between(
    feeds: Iterable[int], since: datetime, until: datetime
) -> tuple[Gap, ...]:
    """What these feeds (keys) may have lost of that time."""
    asked = Gap.objects.filter(feed__in=list(feeds), until__gte=since)
    return tuple(asked.filter(since__lte=until).select_related("feed"))


def held_by(call: Call, watermark: Watermark, now: datetime) -> list[dict]:
    """What holds the verdict of an open call just now, with how far behind it is."""
    if call.verdict != Call.Verdict.AWAITED or not call.held_by:
        return []
    return watermark.held_by(call.handle_by, now) or call.held_by
