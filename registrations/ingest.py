"""Captures → rows. One transaction a batch moves rows and position together, so that a crash
between two batches loses and doubles nothing, and a file read twice changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import BinaryIO

from django.db import connection, transaction

from registrations.answers import Pairing
from registrations.batch import Batch
from registrations.facts import Judged
from registrations.folding import Rounds
from registrations.formats import open_format
from registrations.formats.record import Answer, Pulse, Record, Request, Unreadable
from registrations.models import Feed, LogFile, Rejected
from registrations.sip import SipError, read_register, redacted
from registrations.sources.logfile import CHUNK, Marks, inode_of, is_same_file
from registrations.storable import clean, storable
from registrations.waiting import restored, stored

logger = logging.getLogger(__name__)

#: First key of pg_advisory_lock(int4, int4): "this feed is being read".
NAMESPACE = 0x66656564
LONGEST_EXCERPT = 4000
#: A time stamp further ahead of our clock is wrong, and must not move the watermark.
AHEAD = timedelta(days=1)
#: What the reader writes of its feed; the rest are settings that people change meanwhile.
READERS_OWN = [
    "shows_answers",
    "shows_times",
    "has_assumed",
    "seen_until",
    "last_read_at",
    "trouble",
    "pending",
    "register_count",
    "rejected_count",
]
SETTINGS = ["assume_accepted", "default_expires"]


class FeedBusy(Exception):
    """Another process reads this feed."""


def open_feed(name: str, path: str, format: str | None) -> Feed:
    """The feed of this name, locked for this session. Raises FeedBusy."""
    feed, _ = Feed.objects.get_or_create(name=name)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [NAMESPACE, feed.pk])
        if not cursor.fetchone()[0]:
            raise FeedBusy(f"the feed {name!r} is being read by another process")
    feed.path = path
    feed.format = format or feed.format
    feed.save(update_fields=["path", "format"])
    return feed


def close_feed(feed: Feed) -> None:
    """Let another process read this feed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [NAMESPACE, feed.pk])


class Ingest:
    """Reads one open file of a feed from where it was left, batch by batch."""

    def __init__(
        self,
        feed: Feed,
        path: str,
        stream: BinaryIO,
        *,
        live: bool,
        clock: Callable[[], datetime],
    ) -> None:
        self.feed, self.path = feed, path
        self._stream, self._live, self._clock = stream, live, clock
        self.file = _known_file(feed, stream) or _new_file(feed, path, clock())
        position = self.file.position
        self._marks = Marks(stream, position) if stream.seekable() else None
        if self._marks is not None:
            stream.seek(position)
        pending = feed.pending or {}
        format = feed.format or (pending.get("format") if position else None)
        self._reader = open_format(format, position=position)
        self._pairing = Pairing()
        self._pairing.waiting.extend(restored(pending.get("waiting", [])))
        self._rounds = Rounds(pending.get("rounds"))
        self.register_count = 0
        #: The byte up to which the stream was read; part of a record may not be stored yet.
        self.read_to = position

    def read(self) -> bool:
        """Take in the next piece of the file; False when there is none just now."""
        data = self._stream.read(CHUNK)
        if not data:
            return False
        if self._marks is not None:
            self._marks.add(data)
        self.read_to += len(data)
        self._store(self._reader.feed(data), is_last=False)
        return True

    def finish(self) -> None:
        """Nothing more will come of this file."""
        self._store(self._reader.end(), is_last=not self._live)

    def _store(self, records: list[Record], *, is_last: bool) -> None:
        read_at = self._clock()
        self.feed.refresh_from_db(fields=SETTINGS)
        rejected = [row for row in map(self._note, records) if row is not None]
        form = self._reader.form
        waits = form is not None and (form.always_answers or self.feed.shows_answers)
        # Where the log has times, an answer may yet come with the rest of the file.
        is_over = is_last and not self.feed.shows_times
        concluded = self._pairing.concluded(is_last=is_over or not waits)
        items = [item for item in map(self._judge(read_at), concluded) if item]
        with transaction.atomic():
            if items:
                Batch(self.feed, self.file, read_at).write(items)
            Rejected.objects.bulk_create(rejected, ignore_conflicts=True)
            self._move(read_at, len(items), len(rejected))
        self.register_count += len(items)

    # Records

    def _note(self, record: Record) -> Rejected | None:
        if isinstance(record, Request):
            return self._ask(record)
        if isinstance(record, Answer):
            if self._pairing.answer(record):
                self.feed.shows_answers = True
        elif isinstance(record, Pulse):
            self._pairing.note(record.at)
            self.feed.shows_times = True
            newest = self.feed.seen_until or record.at
            if record.at <= self._clock() + AHEAD:
                self.feed.seen_until = max(newest, record.at)
        elif isinstance(record, Unreadable):
            return self._reject(record, record.rule, record.detail)
        return None

    def _ask(self, request: Request) -> Rejected | None:
        try:
            self._pairing.ask(request, storable(read_register(request.raw)))
        except SipError as error:
            return self._reject(request, error.rule, error.detail)
        return None

    def _reject(self, record, rule: str, detail: str) -> Rejected:
        return Rejected(
            feed=self.feed,
            file=self.file,
            position=record.position,
            moment=record.at,
            read_at=self._clock(),
            rule=rule,
            detail=clean(detail),
            excerpt=clean(redacted(record.raw))[:LONGEST_EXCERPT],
        )

    def _judge(self, read_at: datetime):
        """What became of one REGISTER: accepted, assumed or only heard of; None: a copy."""

        def judge(item) -> Judged | None:
            request, register = item.request, item.register
            assumed = (
                item.status is None
                and not self._shows_answers()
                and self.feed.assume_accepted
            )
            accepted = assumed or (item.status or 0) // 100 == 2
            estimated = request.at is None and self._live
            fold = self._rounds.fold(
                register.call_id,
                register.cseq,
                read_at if estimated else request.at,
                authorized=register.authorized,
                accepted=accepted,
            )
            if fold.is_repeat:
                return None
            self.feed.has_assumed = self.feed.has_assumed or assumed
            return Judged(
                register=register,
                raw=request.raw,
                position=request.position,
                moment=fold.moment,
                estimated=estimated,
                status=item.status,
                accepted=accepted,
                assumed=assumed,
                is_same=fold.is_same,
            )

        return judge

    def _shows_answers(self) -> bool:
        form = self._reader.form
        return self.feed.shows_answers or bool(form and form.always_answers)

    # Position

    def _move(self, read_at: datetime, registers: int, rejected: int) -> None:
        position = self._reader.resume_position
        file, feed = self.file, self.feed
        if self._live and not feed.shows_times and position > file.position:
            # No time in the log, but it is read as it is written: the moment of reading.
            feed.seen_until = read_at
        file.position = position
        file.path = self.path
        for name, value in (self._marks.at(position) if self._marks else {}).items():
            setattr(file, name, value)
        file.save()
        feed.last_read_at = read_at
        feed.register_count += registers
        feed.rejected_count += rejected
        feed.trouble = ""
        feed.pending = {
            "waiting": stored(self._pairing.waiting),
            "rounds": self._rounds.stored(),
            "format": self._reader.form and self._reader.form.name,
        }
        feed.save(update_fields=READERS_OWN)


def _known_file(feed: Feed, stream: BinaryIO) -> LogFile | None:
    """The file of this feed that this stream continues."""
    if not stream.seekable():
        return None
    for file in feed.files.exclude(position=0).order_by("-id")[:100]:
        is_same = is_same_file(
            stream,
            head_bytes=file.head_bytes,
            head_digest=file.head_digest,
            position=file.position,
            tail_bytes=file.tail_bytes,
            tail_digest=file.tail_digest,
        )
        if is_same:
            return file
    return None


def _new_file(feed: Feed, path: str, now: datetime) -> LogFile:
    return LogFile.objects.create(
        feed=feed, path=path, inode=inode_of(path), opened_at=now
    )
