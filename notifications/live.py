"""The hub of the live page: one a web process. Hints come in, the latest frame goes out.

A hint carries ids and is never the truth: the hub re-reads the database, at most four times a
second and at least once, and renders once for all its sockets of a reader: `fr Europe/Paris`,
a language and a zone, which is meant where a language is spoken of here.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import redis
import redis.asyncio
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django.template.loader import render_to_string
from django.utils import timezone, translation

from notifications import fleet

logger = logging.getLogger(__name__)

CHANNEL = "pushdash:hints"
SHORTEST_SECONDS = 0.25
LONGEST_SECONDS = 1.0
#: A round this late makes the next one no later: four a second stay four.
CAUGHT_UP_SECONDS = 0.05
RETRY_SECONDS = 1.0
#: (language, name) → HTML.
Regions = dict[tuple[str, str], str]
#: The feed before the board: a verdict it shows is then in the board too.
REGIONS = (
    *("sources", "held", "alarms", "kpis", "feed", "board"),
    *("outcomes", "wake", "outcomes_table", "wake_table"),
)
#: Not each time: the charts (of minutes), and the same as tables.
PACES = {
    "outcomes": timedelta(seconds=0.5),
    "wake": timedelta(seconds=0.5),
    "outcomes_table": timedelta(seconds=5),
    "wake_table": timedelta(seconds=5),
}
#: Templates are indented for their readers; each of 1,000 sockets would carry it.
INDENTS = re.compile(r"\s*\n\s*")


def announce(kind: str, ids: Iterable) -> None:
    """Tell every hub that rows changed. A lost hint costs at most a second."""
    hint = json.dumps({"kind": kind, "ids": list(ids)[:100]}, default=str)
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1) as client:
            client.publish(CHANNEL, hint)
    except redis.RedisError as error:
        logger.warning("hint not sent", extra={"why": str(error)})


class Reader:
    """Renders the regions. What moves slowly or takes long to read is not read each time."""

    def __init__(self) -> None:
        self._regions: Regions = {}
        self._read_at: dict[tuple[str, str], datetime] = {}

    def read(self, now: datetime, languages: Iterable[str]) -> Regions:
        """Every region as HTML, in each of the languages."""
        picture = fleet.Picture(now)
        return {
            (language, name): html
            for language in languages
            for name, html in self._regions_in(language, picture.retold(), now)
        }

    def _regions_in(
        self, reader: str, picture: fleet.Picture, now: datetime
    ) -> Iterator[tuple[str, str]]:
        context = {"live": picture, "now": now}
        language, _, zone = reader.partition(" ")
        clock = timezone.override(ZoneInfo(zone or "UTC"))
        with translation.override(language), clock:
            for name in REGIONS:
                if self._is_due(reader, name, now):
                    html = render_to_string(f"notifications/_{name}.html", context)
                    self._regions[reader, name] = INDENTS.sub("\n", html)
                yield name, self._regions[reader, name]

    def _is_due(self, language: str, name: str, now: datetime) -> bool:
        before = self._read_at.get((language, name))
        is_due = before is None or now - before >= PACES.get(name, timedelta())
        if is_due:
            self._read_at[language, name] = now
        return is_due


class Hub:
    """Holds the latest regions, and when each changed; runs while sockets are open."""

    def __init__(self) -> None:
        self.seq = 0
        self._at = ""
        self._regions: Regions = {}
        self._changed: dict[tuple[str, str], int] = {}
        #: Frames of this seq: language, since what was seen → text. Nearly all ask for the
        #: same.
        self._frames: dict[tuple[str, int], str] = {}
        #: Set once: the next frame has an event of its own. No lock for 1,000 to queue at.
        self._renewed = asyncio.Event()
        self._hinted = asyncio.Event()
        #: language → how many sockets.
        self._sockets: Counter[str] = Counter()
        self._tasks: list[asyncio.Task] = []

    def join(self, language: str) -> None:
        """A socket of that language opened."""
        self._sockets[language] += 1
        if self._sockets[language] == 1:
            self._hinted.set()
        if self._sockets.total() == 1:
            loops = (self._listen(), self._renew())
            self._tasks = [asyncio.ensure_future(loop) for loop in loops]

    def leave(self, language: str) -> None:
        """A socket closed; the last one stops the hub."""
        self._sockets[language] -= 1
        if self._sockets.total() == 0:
            for task in self._tasks:
                task.cancel()
            self._regions = {}

    async def next_frame(self, language: str, seen: int) -> tuple[int, str]:
        """What changed since `seen`, all of it since 0; frames in between are skipped."""
        while not self._speaks(language) or self.seq <= seen:
            await self._renewed.wait()
        return self.seq, self._frame(language, seen)

    def _speaks(self, language: str) -> bool:
        return (language, REGIONS[0]) in self._regions

    def _frame(self, language: str, seen: int) -> str:
        if (language, seen) not in self._frames:
            news = {
                name: html
                for (spoken, name), html in self._regions.items()
                if spoken == language and self._changed[spoken, name] > seen
            }
            frame = {"seq": self.seq, "at": self._at, "regions": news}
            self._frames[language, seen] = json.dumps(frame)
        return self._frames[language, seen]

    async def _listen(self) -> None:
        while True:
            try:
                client = redis.asyncio.Redis.from_url(settings.REDIS_URL)
                async with client, client.pubsub() as channel:
                    await channel.subscribe(CHANNEL)
                    async for _ in channel.listen():
                        self._hinted.set()
            except (redis.RedisError, OSError):
                # Without hints the hub still re-reads once a second.
                await asyncio.sleep(RETRY_SECONDS)

    async def _renew(self) -> None:
        reader, loop = Reader(), asyncio.get_running_loop()
        due = loop.time()
        while True:
            self._hinted.clear()
            try:
                # Before the rows are read: a slow database makes the figures old.
                at = timezone.now()
                languages = [each for each, number in self._sockets.items() if number]
                read = sync_to_async(_read, thread_sensitive=False)
                self._publish(await read(reader, at, languages), at)
            except DatabaseError as error:
                # No frame goes out: the pages show themselves as stale.
                logger.warning("live view cannot read", extra={"why": str(error)})
                await asyncio.sleep(RETRY_SECONDS)
            except Exception:
                # One row that cannot be rendered must not end the page for everybody.
                logger.exception("live view cannot be made")
                await asyncio.sleep(RETRY_SECONDS)
            await self._wait(due)
            due = max(due + SHORTEST_SECONDS, loop.time() - CAUGHT_UP_SECONDS)

    async def _wait(self, due: float) -> None:
        """Until the round after the one that was due then."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(due + SHORTEST_SECONDS - loop.time())
        with suppress(TimeoutError):
            async with asyncio.timeout_at(due + LONGEST_SECONDS):
                await self._hinted.wait()

    def _publish(self, regions: Regions, at: datetime) -> None:
        self.seq += 1
        self._at = at.isoformat()
        for key, html in regions.items():
            if self._regions.get(key) != html:
                self._changed[key] = self.seq
        self._regions, self._frames = regions, {}
        renewed, self._renewed = self._renewed, asyncio.Event()
        renewed.set()


def _read(reader: Reader, now: datetime, languages: Iterable[str]) -> Regions:
    close_old_connections()
    try:
        return reader.read(now, languages)
    finally:
        close_old_connections()


HUB = Hub()
