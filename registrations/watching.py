"""Follows a Redis registrar: the whole of it first, then each change as it is published.

A lost connection is taken up again with growing pauses, and everything is read once more:
what was published meanwhile is lost, what it changed is not.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime

import redis
from django.db import DatabaseError, connection

from registrations.feeds import note_trouble, open_feed
from registrations.models import Feed
from registrations.registrar import Registrar
from registrations.sources import redis_registrar
from registrations.sources.redis_registrar import Changes

logger = logging.getLogger(__name__)

PING_SECONDS = 1.0
#: A Redis that has not answered a PING for so long is gone.
SILENCE_SECONDS = 10.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
MOST_AT_ONCE = 500
#: How long changes are gathered to be stored at once, and one is waited for meanwhile.
GATHER_SECONDS = 0.2
NEXT_SECONDS = 0.05


class Watch:
    """One registrar, followed for ever."""

    def __init__(
        self, url: str, name: str, *, domain: str | None, clock: Callable[[], datetime]
    ) -> None:
        self._url, self._name = url, name
        self._domain, self._clock = domain, clock
        self._pause = FIRST_PAUSE_SECONDS
        self._feed: Feed | None = None

    def run(self) -> None:
        """Until interrupted. Raises FeedBusy when another process follows it."""
        while True:
            try:
                self._open()
                self._connected()
            except redis.RedisError as error:
                self._note(f"Redis does not answer: {error}")
            except DatabaseError as error:
                logger.warning("database away", extra={"why": str(error).strip()})
                connection.close()
                self._feed = None
            time.sleep(self._pause)
            self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)

    def _open(self) -> None:
        if self._feed is not None:
            return
        place = redis_registrar.shown(self._url)
        feed = open_feed(self._name, place, kind=Feed.Kind.REDIS)
        feed.followed = feed.shows_times = True
        feed.save(update_fields=["followed", "shows_times"])
        self._feed = feed

    def _connected(self) -> None:
        with redis_registrar.connect(self._url) as client:
            client.ping()
            # Subscribed first: what changes while everything is read is read again.
            changes = Changes(client)
            try:
                registrar = Registrar(
                    self._feed, client, domain=self._domain, clock=self._clock
                )
                counts = registrar.catch_up()
                facts = {"feed": self._name, "bindings": str(counts)}
                logger.info("registrar read", extra=facts)
                self._pause = FIRST_PAUSE_SECONDS
                Following(registrar, changes, self._clock).run()
            finally:
                changes.close()

    def _note(self, trouble: str) -> None:
        try:
            note_trouble(self._feed, trouble, self._clock())
        except DatabaseError as error:
            logger.warning("database away", extra={"why": str(error).strip()})
            connection.close()
            self._feed = None


class Following:
    """Stores changes as they come; `seen_until` moves with each PING that is answered."""

    def __init__(
        self, registrar: Registrar, changes: Changes, clock: Callable[[], datetime]
    ) -> None:
        self._registrar, self._changes, self._clock = registrar, changes, clock
        self._asked_at: datetime | None = None
        self._ping_due = 0.0
        self._answered = time.monotonic()

    def run(self) -> None:
        """Until the connection breaks. Raises redis.RedisError then."""
        while True:
            self._ask()
            keys, is_answered = self._wait()
            keys += self._registrar.due()
            if keys:
                self._registrar.take(keys)
            if is_answered:
                self._registrar.heard(self._asked_at)
                self._answered, self._asked_at = time.monotonic(), None
            elif time.monotonic() - self._answered > SILENCE_SECONDS:
                raise redis.TimeoutError(f"no answer for {SILENCE_SECONDS:.0f} s")

    def _ask(self) -> None:
        if self._asked_at is None and time.monotonic() >= self._ping_due:
            self._asked_at = self._clock()
            self._ping_due = time.monotonic() + PING_SECONDS
            self._changes.ping()

    def _wait(self) -> tuple[list[str], bool]:
        """The keys published up to an answered PING, or those that are there."""
        keys: list[str] = []
        timeout = max(NEXT_SECONDS, self._ping_due - time.monotonic())
        until = time.monotonic() + timeout + GATHER_SECONDS
        while len(keys) < MOST_AT_ONCE and time.monotonic() < until:
            key = self._changes.next(timeout)
            if key == "":
                return keys, True
            if key is None:
                break
            if not keys:
                until, timeout = time.monotonic() + GATHER_SECONDS, NEXT_SECONDS
            keys.append(key)
        return keys, False
