"""`manage.py ingest`: log files → devices, tokens, registrations, and how far was read."""

from __future__ import annotations

import logging
import signal
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from django.utils import timezone

from registrations.feeds import (
    FeedBusy,
    Told,
    close_feed,
    keep,
    note_trouble,
    open_feed,
)
from registrations.formats import NAMES, UnknownFormat
from registrations.ingest import FileReading
from registrations.intake import Intake
from registrations.models import Feed
from registrations.sources.logfile import has_moved_on, inode_of, opened
from registrations.sources.trees import files_of
from registrations.timezones import add_timezone
from registrations.xlogs import add_xlog

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.2
RETRY_SECONDS = 2.0


class Command(BaseCommand):
    help = (
        "Store devices, tokens and registrations out of FILE… and remember how far each "
        "was read: reading the same file again changes nothing."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE")
        parser.add_argument("--follow", action="store_true", help="go on as it grows")
        parser.add_argument("--format", choices=NAMES, help="default: look")
        add_xlog(parser)
        add_timezone(parser)
        parser.add_argument(
            "--feed", help="name of the feed (default: the file's name)"
        )

    def handle(self, *, files: list[str], follow: bool, **options) -> None:
        self._format, self._feed = options["format"], options["feed"]
        self._told = Told(options["xlog"], options["timezone"])
        try:
            if follow:
                self._follow(files)
            else:
                for path in files:
                    self._read(path)
        except (FeedBusy, UnknownFormat) as error:
            raise CommandError(str(error)) from error
        except (OSError, EOFError) as error:
            raise CommandError(f"cannot be read: {error}") from error

    def _read(self, path: str) -> None:
        feed = open_feed(self._name(path), _absolute(path), self._format)
        keep(feed, self._told)
        intake = Intake(feed, live=False, clock=timezone.now)
        for file in files_of(path):
            reading = self._read_file(intake, file)
        close_feed(feed)
        self.stderr.write(
            f"{feed.name}: {intake.register_count} REGISTERs read, "
            f"{feed.rejected_count} could not be, at byte {reading.file.position:,}"
        )

    def _read_file(self, intake: Intake, path: str) -> FileReading:
        with opened(path) as stream:
            reading = FileReading(intake, _absolute(path), stream, timezone.now())
            while reading.read():
                if sys.stderr.isatty():
                    self.stderr.write(
                        f"\r{intake.feed.name}: byte {reading.file.position:,}",
                        ending="",
                    )
            reading.finish(is_last=True)
        return reading

    def _name(self, path: str) -> str:
        return self._feed or Path(path).name.removesuffix(".gz")

    def _follow(self, files: list[str]) -> None:
        names = [self._name(path) for path in files]
        if any(Path(path).is_dir() for path in files):
            raise CommandError("a directory cannot be followed: name its files")
        if len(set(names)) < len(names):
            raise CommandError("two files of one feed cannot be followed at once")
        signal.signal(signal.SIGTERM, _stop)
        with suppress(KeyboardInterrupt):
            while True:
                self._follow_until_trouble(files)
                time.sleep(RETRY_SECONDS)

    def _follow_until_trouble(self, files: list[str]) -> None:
        """Returns only when the database went away; the rows say where to go on."""
        try:
            with ExitStack() as stack:
                tails = [
                    Tail(path, self._name(path), self._format, self._told)
                    for path in files
                ]
                for tail in tails:
                    stack.callback(tail.close)
                self._poll(tails)
        except DatabaseError as error:
            logger.warning("database away", extra={"why": str(error).strip()})
            connection.close()

    def _poll(self, tails: list[Tail]) -> None:
        while True:
            polled = [tail.poll() for tail in tails]
            if not any(polled):
                time.sleep(POLL_SECONDS)


class Tail:
    """One file as it grows, through rename and copytruncate."""

    def __init__(self, path: str, name: str, format: str | None, told: Told) -> None:
        self._path = _absolute(path)
        self._feed = open_feed(name, self._path, format)
        keep(self._feed, told)
        Feed.objects.filter(pk=self._feed.pk).update(followed=True)
        self._feed.followed = True
        self._intake = Intake(self._feed, live=True, clock=timezone.now)
        self._reading: FileReading | None = None
        self._stack = ExitStack()
        self._inode = 0

    def poll(self) -> bool:
        """Take in what is there; False when nothing was."""
        if self._reading is None and not self._open():
            return False
        if self._reading.read():
            return True
        if has_moved_on(self._path, self._inode, self._reading.read_to):
            self._reading.finish(is_last=False)
            self.close()
            return True
        return False

    def close(self) -> None:
        """Let the file go; the position is in the database."""
        self._stack.close()
        self._reading = None

    def _open(self) -> bool:
        try:
            stream = self._stack.enter_context(opened(self._path))
        except OSError as error:
            note_trouble(
                self._feed, f"cannot be read: {error.strerror}", timezone.now()
            )
            return False
        self._inode = inode_of(self._path)
        self._reading = FileReading(self._intake, self._path, stream, timezone.now())
        return True


def _absolute(path: str) -> str:
    return path if path == "-" else str(Path(path).absolute())


def _stop(*_) -> None:
    raise KeyboardInterrupt
