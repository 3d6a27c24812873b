"""Feeds in words: how far behind each is, and which of them hold verdicts. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet, Value
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Greatest
from django.utils.translation import gettext

from notifications.models import Call
from notifications.stored_words import told
from notifications.watermarks import read_until
from notifications.wording import ago, number
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
        words = gettext("stalled for %(age)s: %(why)s")
        words %= {"age": age, "why": told(feed.trouble)}
        return Source(feed, "bad", words)
    if feed.kind == Feed.Kind.BEACON:
        return Source(feed, "mute", _heard(feed, now))
    until = read_until(feed)
    if until is None:
        has_records = feed.last_read_at is not None
        waiting = gettext("waiting for the first record")
        return Source(
            feed, "mute", gettext("no times in it") if has_records else waiting
        )
    behind = now - until
    if behind > feed.heartbeat:
        silent = gettext("silent for %(age)s") % {"age": ago(until, now)}
        return Source(feed, "warn", silent)
    seconds = max(0.0, behind.total_seconds())
    if behind > BEHIND:
        words = gettext("%(seconds)s s behind") % {"seconds": number(seconds)}
        return Source(feed, "warn", words)
    return Source(feed, "ok", f"{number(seconds, 1)} s")


def _heard(feed: Feed, now: datetime) -> str:
    if feed.last_read_at is None:
        return gettext("none yet")
    return gettext("last heard %(span)s ago") % {"span": ago(feed.last_read_at, now)}


def asks_for_somebody(now: datetime) -> Q:
    """The feeds whose tone in `source_of` is `warn` or `bad`, as a condition."""
    behind = _read_before(now - BEHIND) | _read_before(now - F("heartbeat"))
    return ~Q(trouble="") | (~Q(kind=Feed.Kind.BEACON) & behind)


def _read_before(moment: datetime | CombinedExpression) -> Q:
    """As `read_until` says it: less the skew of a clock that is ahead, and no further than it
    was read.
    """
    ahead = Greatest(F("skew"), Value(timedelta()))
    is_late = Q(seen_until__lt=moment + ahead) | Q(last_read_at__lt=moment)
    return Q(seen_until__isnull=False) & is_late


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
    sentences = [_lag(feed, now) for feed in late]
    holders = {one["feed"] for held_by in waiting for one in held_by} - names
    waits = gettext("waiting for feed %(feed)s")
    sentences += [waits % {"feed": name} for name in sorted(holders) if name]
    if "" in holders:
        sentences.append(gettext("no feed could show a proof"))
    return Hold(tuple(sentences), len(waiting)) if sentences else None


def _is_late(feed: Feed, now: datetime) -> bool:
    until = read_until(feed)
    return until is None or now - until > BEHIND


def _lag(feed: Feed, now: datetime) -> str:
    until = read_until(feed)
    if until is None:
        return gettext("feed %(feed)s is not read yet") % {"feed": feed.name}
    seconds = number((now - until).total_seconds())
    late = gettext("feed %(feed)s is %(seconds)s s behind")
    return late % {"feed": feed.name, "seconds": seconds}
