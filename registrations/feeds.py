"""Opening and closing a feed: one process reads it at a time, and says when it cannot."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import connection

from registrations.formats.stamps import Stamps, Years
from registrations.formats.xlog import DEFAULT, Template
from registrations.models import Feed, LogFile

logger = logging.getLogger(__name__)

#: First key of pg_advisory_lock(int4, int4): "this feed is being read".
NAMESPACE = 0x66656564
#: A feed in use is asked for again this soon.
BUSY_SECONDS = 0.05


class FeedBusy(Exception):
    """Another process reads this feed."""


def open_feed(
    name: str,
    path: str,
    format: str | None = None,
    *,
    kind: Feed.Kind = Feed.Kind.FILE,
) -> Feed:
    """The feed of this name, locked for this session. Raises FeedBusy.

    `path`: where it comes from, as a person would name it (a file, `hep udp 127.0.0.1:9060`).
    """
    feed, _ = Feed.objects.get_or_create(name=name)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [NAMESPACE, feed.pk])
        if not cursor.fetchone()[0]:
            raise FeedBusy(f"the feed {name!r} is being read by another process")
        # A batch is thousands of lookups: to start helpers for them costs more than they do.
        cursor.execute("SET max_parallel_workers_per_gather = 0")
    feed.path, feed.kind = path, kind
    feed.format = format or feed.format
    feed.save(update_fields=["path", "kind", "format"])
    return feed


@contextmanager
def unhurried() -> Iterator[None]:
    """Commits of this session do not wait for the disk meanwhile.

    For what can be read again: a crash of PostgreSQL takes the position back together with
    the rows. The next commit that waits makes all before it durable.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = on")


def open_patiently(
    name: str, path: str, format: str | None = None, *, kind: Feed.Kind, patience: float
) -> Feed:
    """The same, but a reader that ends within `patience` seconds is waited for.

    The session of a killed process ends when PostgreSQL has finished its last statement.
    """
    until = time.monotonic() + patience
    while True:
        try:
            return open_feed(name, path, format, kind=kind)
        except FeedBusy:
            if time.monotonic() > until:
                raise
            time.sleep(BUSY_SECONDS)


@dataclass(frozen=True, slots=True)
class Told:
    """What a command's options say of a feed's lines; None changes nothing."""

    xlog: Template | None = None
    timezone: ZoneInfo | None = None
    #: `registrations.years.AUTO` for none.
    year: int | None = None


def keep(feed: Feed, told: Told) -> None:
    """From now on the feed is read as it was told."""
    if told.xlog is not None:
        feed.xlog = told.xlog.text
    if told.timezone is not None:
        feed.timezone = told.timezone.key
    if told.year is not None:
        feed.year = told.year or None
    feed.save(update_fields=["xlog", "timezone", "year"])


def stamps_of(
    feed: Feed, latest: Callable[[], datetime], years: Years | None = None
) -> Stamps:
    """How the feed's time stamps are read; `latest`: no stamp is after it."""
    zone = ZoneInfo(feed.timezone) if feed.timezone else None
    return Stamps(zone, latest, years)


def years_of(feed: Feed, told: Told) -> Years | None:
    """The years of a log that is read afterwards: what was told for it, else the feed goes on
    where it was read to. (A log that is followed is written now.)
    """
    if feed.year is None:
        return None
    return Years(feed.year, None if told.year else feed.seen_until)


def template_of(feed: Feed) -> Template:
    """How the feed's server prints a REGISTER in one line."""
    return Template(feed.xlog or DEFAULT)


def close_feed(feed: Feed) -> None:
    """Let another process read this feed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [NAMESPACE, feed.pk])


@contextmanager
def followed_meanwhile(feed: Feed) -> Iterator[None]:
    """The feed promises to show proofs until this ends; where the process dies it goes on
    promising, for nobody said that nothing more would come.
    """
    _promise(feed, is_followed=True)
    yield
    _promise(feed, is_followed=False)


def _promise(feed: Feed, *, is_followed: bool) -> None:
    feed.followed = is_followed
    feed.save(update_fields=["followed"])


def open_stream(feed: Feed, path: str, now: datetime) -> LogFile:
    """The row that stands for a source without a file: its `position` counts records.

    It is the same row after a restart, so a position names one record for ever.
    """
    stream, _ = LogFile.objects.get_or_create(
        feed=feed,
        path=path,
        kind=LogFile.Kind.STREAM,
        defaults={"opened_at": now},
    )
    return stream


def note_trouble(feed: Feed, trouble: str, now: datetime) -> None:
    """The feed cannot be read just now, and why."""
    if feed.trouble == trouble:
        return
    logger.warning("feed in trouble", extra={"feed": feed.name, "why": trouble})
    feed.trouble_since = feed.trouble_since or now
    feed.trouble = trouble
    feed.save(update_fields=["trouble", "trouble_since"])


def end_trouble(feed: Feed) -> None:
    """The feed can be read again."""
    if feed.trouble:
        logger.info("feed out of trouble", extra={"feed": feed.name})
        feed.trouble, feed.trouble_since = "", None
        feed.save(update_fields=["trouble", "trouble_since"])
