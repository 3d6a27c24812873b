"""What an app said by itself → a sign of life of the device that holds its token.

Whether it may be believed was decided before: nothing here knows a secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q

from registrations import partitions
from registrations.models import (
    Device,
    Feed,
    Holding,
    LogFile,
    PushToken,
    Sighting,
)
from registrations.readings import note_reading

FEED, PLACE = "app beacons", "POST /api/v1/beacons"
#: First key of pg_advisory_xact_lock(int4, int4): "a beacon of this token is stored".
NAMESPACE = 0x62656163
#: "a reading of this feed is told": of two at once the one with the lower number must be
#: seen first, for whoever looks for news looks only behind the newest it saw.
TELLING = 0x62656164
#: The feed's `last_read_at` is for people; it moves no more often than this.
FRESH = timedelta(seconds=10)


class NobodyHolds(Exception):
    """No device holds a voip token of this fingerprint."""


class HeardBefore(Exception):
    """The same was stored already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What the app said: `at` by the phone's clock, `heard_at` by ours."""

    bundle_id: str
    fingerprint: str
    call_id: str
    at: datetime
    heard_at: datetime
    line: str


@transaction.atomic
def store(word: Word) -> Sighting:
    """The sign of life of this word. Raises NobodyHolds, HeardBefore."""
    device, token = _whose(word)
    _only_once(word, token)
    feed, file = _feed(word.heard_at)
    day = partitions.day_of(word.at, word.heard_at)
    partitions.ensure([day])
    number = _next_number()
    row = Sighting.objects.create(
        day=day,
        id=number,
        moment=word.at,
        feed=feed,
        file=file,
        position=number,
        call_id=word.call_id,
        line=word.line,
        device_id=device,
        token_id=token,
        kind=Sighting.Kind.BEACON,
        skew_ms=_skew_ms(word),
    )
    _seen(device, min(word.at, word.heard_at))
    # Last, so that others wait for no more than this commit.
    _lock(TELLING, feed.pk)
    note_reading(feed, [row], word.heard_at)
    return row


def _whose(word: Word) -> tuple[int, int]:
    """The device that holds such a token, else the one that held it last; and the token."""
    tokens = PushToken.objects.of_fingerprint(word.bundle_id, word.fingerprint)
    holdings = Holding.objects.filter(token__in=tokens).order_by("-current", "-pk")
    found = holdings.values_list("device_id", "token_id").first()
    if found is None:
        raise NobodyHolds
    return found


def _seen(device: int, at: datetime) -> None:
    """The phone was seen alive."""
    before = Q(last_seen_at=None) | Q(last_seen_at__lt=at)
    Device.objects.filter(before, pk=device).update(last_seen_at=at)


def _only_once(word: Word, token: int) -> None:
    """Two copies may come at once: the second waits for the first to be stored."""
    _lock(NAMESPACE, token)
    same = Sighting.objects.filter(
        token=token,
        moment=word.at,
        day=partitions.day_of(word.at, word.heard_at),
        kind=Sighting.Kind.BEACON,
        call_id=word.call_id,
    )
    if same.exists():
        raise HeardBefore


def _skew_ms(word: Word) -> int:
    """A clock ahead of ours is set right. One that is behind cannot be told from a word that
    came late: a word about a call then counts up to when it came, for it names its push.
    """
    ahead = (word.at - word.heard_at) // timedelta(milliseconds=1)
    return ahead if word.call_id else max(0, ahead)


def _feed(now: datetime) -> tuple[Feed, LogFile]:
    """The feed all beacons come from. It holds no verdict: no watermark can be known of it."""
    streams = LogFile.objects.filter(feed__name=FEED, path=PLACE)
    file = streams.select_related("feed").first() or _made(now)
    feed = file.feed
    if feed.last_read_at is None or now - feed.last_read_at > FRESH:
        Feed.objects.filter(pk=feed.pk).update(last_read_at=now)
    return feed, file


def _made(now: datetime) -> LogFile:
    feed, _ = Feed.objects.get_or_create(
        name=FEED, defaults={"kind": Feed.Kind.BEACON, "path": PLACE}
    )
    # Whoever makes them at once waits here for the other's commit.
    _lock(TELLING, feed.pk)
    file, _ = LogFile.objects.get_or_create(
        feed=feed,
        path=PLACE,
        kind=LogFile.Kind.STREAM,
        defaults={"opened_at": now},
    )
    return file


def _lock(namespace: int, number: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [namespace, number])


def _next_number() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('registrations_fact_id')")
        return cursor.fetchone()[0]
