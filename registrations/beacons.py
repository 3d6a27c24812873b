"""What an app said by itself → a sign of life of the device that holds its token.

Whether it may be believed was decided before: nothing here knows a secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from registrations import partitions
from registrations.models import Feed, LogFile, PushToken, Reading

FEED, PLACE = "app beacons", "POST /api/v1/beacons"
#: First key of pg_advisory_xact_lock(int4, int4): "a beacon of this token is stored".
NAMESPACE = 0x62656163
#: "a reading of this feed is told": of two at once the one with the lower number must be
#: seen first, for whoever looks for news looks only behind the newest it saw.
TELLING = 0x62656164
#: The feed's `last_read_at` is for people; it moves no more often than this.
FRESH = timedelta(seconds=10)
#: The device that holds such a token, else the one that held it last. Two copies may come at
#: once: the second waits here for the first to be stored.
WHOSE = """
    SELECT device_id, token_id, pg_advisory_xact_lock(%s, token_id::int) FROM (
        SELECT holding.device_id, holding.token_id
        FROM registrations_holding holding WHERE holding.token_id IN ({tokens})
        ORDER BY holding.current DESC, holding.id DESC LIMIT 1
    ) AS found
"""
#: Once, and with it the device was seen.
STORE = """
    WITH new AS (
        INSERT INTO registrations_sighting (day, id, moment, estimated, feed_id, file_id,
            position, call_id, line, device_id, token_id, kind, skew_ms)
        SELECT %(day)s, number, %(at)s, false, %(feed)s, %(file)s, number, %(call_id)s,
            %(line)s, %(device)s, %(token)s, 'beacon', %(skew_ms)s
        FROM nextval('registrations_fact_id') AS number WHERE NOT EXISTS (
            SELECT FROM registrations_sighting
            WHERE day = %(day)s AND token_id = %(token)s AND moment = %(at)s
                AND kind = 'beacon' AND call_id = %(call_id)s
        )
        RETURNING device_id
    ), seen AS (
        UPDATE registrations_device SET last_seen_at = %(seen_at)s
        WHERE id IN (SELECT device_id FROM new)
            AND (last_seen_at IS NULL OR last_seen_at < %(seen_at)s)
    )
    SELECT count(*) FROM new
"""
#: Numbered behind the lock, so that others wait for no more than this commit.
TELL = """
    INSERT INTO registrations_reading (feed_id, read_at, devices, tokens, since, until)
    SELECT %(feed)s, %(heard_at)s, jsonb_build_array(%(device)s), jsonb_build_array(%(token)s),
        %(at)s, %(at)s
    FROM pg_advisory_xact_lock(%(telling)s, %(feed)s)
"""


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


def store(word: Word) -> None:
    """The sign of life of this word. Raises NobodyHolds, HeardBefore."""
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        feed, file = _feed(word.heard_at)
        device, token = _whose(word)
        day = partitions.day_of(word.at, word.heard_at)
        partitions.ensure([day])
        facts = {
            "day": day,
            "at": word.at,
            "heard_at": word.heard_at,
            "seen_at": min(word.at, word.heard_at),
            "feed": feed,
            "file": file,
            "call_id": word.call_id,
            "line": word.line,
            "device": device,
            "token": token,
            "skew_ms": _skew_ms(word),
            "telling": TELLING,
        }
        cursor.execute(STORE, facts)
        if cursor.fetchone()[0] == 0:
            raise HeardBefore
        cursor.execute(TELL, facts)


def _whose(word: Word) -> tuple[int, int]:
    """Device and token; the token is locked from here on."""
    tokens = PushToken.objects.of_fingerprint(word.bundle_id, word.fingerprint)
    asked, values = tokens.order_by().values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(WHOSE.format(tokens=asked), [NAMESPACE, *values])
        found = cursor.fetchone()
    if found is None:
        raise NobodyHolds
    return found[:2]


def _skew_ms(word: Word) -> int:
    """A clock ahead of ours is set right. One that is behind cannot be told from a word that
    came late: a word about a call then counts up to when it came, for it names its push.
    """
    ahead = (word.at - word.heard_at) // timedelta(milliseconds=1)
    return ahead if word.call_id else max(0, ahead)


def _feed(now: datetime) -> tuple[int, int]:
    """Feed and file all beacons come from. It holds no verdict: no watermark can be known."""
    streams = LogFile.objects.filter(feed__name=FEED, path=PLACE).order_by()
    found = streams.values_list("feed", "pk", "feed__last_read_at").first()
    feed, file, read_at = found or _made(now)
    if read_at is None or now - read_at > FRESH:
        Feed.objects.filter(pk=feed).update(last_read_at=now)
        Reading.objects.filter(feed=feed, read_at__lt=now - Reading.KEPT).delete()
    return feed, file


def _made(now: datetime) -> tuple[int, int, None]:
    feed, _ = Feed.objects.get_or_create(
        name=FEED, defaults={"kind": Feed.Kind.BEACON, "path": PLACE}
    )
    # Whoever makes them at once waits here for the other's commit.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [TELLING, feed.pk])
    file, _ = LogFile.objects.get_or_create(
        feed=feed,
        path=PLACE,
        kind=LogFile.Kind.STREAM,
        defaults={"opened_at": now},
    )
    return feed.pk, file.pk, None
