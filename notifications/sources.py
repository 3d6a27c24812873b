"""Feeds in words: how far behind each is, and which of them hold verdicts. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet

from notifications.models import Call
from notifications.watermarks import read_until
from notifications.wording import ago
from registrations.models import Feed

#: From this lag on the page says that verdicts wait, before any strike could be wrong.
BEHIND = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Source:
    """A feed and how far behind it is."""

    feed: Feed
    tone: str
    words: str

    @property
    def refused(self) -> str:
        """What a listener did not let in, by reason; empty where nothing was refused."""
        reasons = sorted(self.feed.refused.items(), key=lambda one: -one[1])
        return ", ".join(
            f"{reason.replace('_', ' ')} {count:,}"
            for reason, count in reasons
            if count
        )


def source_of(feed: Feed, now: datetime) -> Source:
    """A feed's dot and words: its lag, or why it says nothing."""
    if feed.trouble:
        age = ago(feed.trouble_since or now, now)
        return Source(feed, "bad", f"stalled for {age}: {feed.trouble}")
    if feed.kind == Feed.Kind.BEACON:
        heard = ago(feed.last_read_at, now) if feed.last_read_at else ""
        return Source(feed, "mute", f"last heard {heard} ago" if heard else "none yet")
    if feed.seen_until is None:
        words = (
            "no times in it" if feed.last_read_at else "waiting for the first record"
        )
        return Source(feed, "mute", words)
    behind = now - feed.seen_until
    if behind > feed.heartbeat:
        return Source(feed, "warn", f"silent for {ago(feed.seen_until, now)}")
    seconds = max(0.0, behind.total_seconds())
    if behind > BEHIND:
        return Source(feed, "warn", f"{seconds:.0f} s behind")
    return Source(feed, "ok", f"{seconds:.1f} s")


def asks_for_somebody(now: datetime) -> Q:
    """The feeds whose tone in `source_of` is `warn` or `bad`, as a condition."""
    behind = Q(seen_until__lt=now - BEHIND) | Q(seen_until__lt=now - F("heartbeat"))
    return ~Q(trouble="") | (~Q(kind=Feed.Kind.BEACON) & behind)


@dataclass(frozen=True, slots=True)
class Hold:
    """What holds verdicts just now: one sentence a feed, and how many calls wait."""

    sentences: tuple[str, ...]
    calls: int


def held_by_feeds() -> QuerySet[Call]:
    """`held_by` of each call whose verdict a feed holds."""
    return Call.objects.filter(verdict="awaited").exclude(held_by=[]).values("held_by")


def hold_at(feeds: list[Feed], waiting: list[list[dict]], now: datetime) -> Hold | None:
    """None while every feed that is followed keeps up and no call waits for one.

    `waiting`: what holds each call that is held.
    """
    late = [feed for feed in feeds if feed.followed and _is_late(feed, now)]
    names = {feed.name for feed in late}
    sentences = [f"feed {feed.name} {_lag(feed, now)}" for feed in late]
    holders = {one["feed"] for held_by in waiting for one in held_by} - names
    sentences += [f"waiting for feed {name}" for name in sorted(holders) if name]
    if "" in holders:
        sentences.append("no feed could show a proof")
    return Hold(tuple(sentences), len(waiting)) if sentences else None


def _is_late(feed: Feed, now: datetime) -> bool:
    until = read_until(feed)
    return until is None or now - until > BEHIND


def _lag(feed: Feed, now: datetime) -> str:
    until = read_until(feed)
    if until is None:
        return "is not read yet"
    return f"is {(now - until).total_seconds():.0f} s behind"
