"""`manage.py ingest`: log files → devices, tokens, registrations, and how far was read."""

from __future__ import annotations

import logging
import signal
import sys
import time
from contextlib import ExitStack, nullcontext, suppress
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from django.utils import timezone

from registrations import partitions
from registrations.feeds import (
    FeedBusy,
    Told,
    close_feed,
    followed_meanwhile,
    keep,
    note_trouble,
    open_patiently,
    unhurried,
    years_of,
)
from registrations.following import PATIENCE_SECONDS, Follower
from registrations.formats import NAMES, UnknownFormat
from registrations.ingest import FileReading, readings
from registrations.intake import Intake
from registrations.long_running import expect_no_cycles, settle_in, take_short_turns
from registrations.models import Feed
from registrations.piping import Piping
from registrations.sources.logfile import BROKEN, is_pipe
from registrations.sources.named import STDIN, Log, growing_logs_of, logs_of
from registrations.timezones import add_timezone, unknown_told
from registrations.xlogs import add_xlog
from registrations.years import add_year, guess_told

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.1
RETRY_SECONDS = 2.0
#: New files of a pattern are looked for this often.
LOOK_SECONDS = 1.0
#: Looking through many files takes a tenth of the time at most.
LOOK_SHARE = 10


class Command(BaseCommand):
    help = (
        "Store devices, tokens and registrations out of FILE… and remember how far each "
        "was read: reading the same file again changes nothing."
    )
    #: They load every page of the web's, half a second of CPU, and look at none of ours.
    requires_system_checks = []

    def add_arguments(self, parser) -> None:
        parser.add_argument(
            "files", nargs="+", metavar="FILE", help="or a pattern, or a directory"
        )
        parser.add_argument("--follow", action="store_true", help="go on as it grows")
        parser.add_argument("--format", choices=NAMES, help="default: look")
        add_xlog(parser)
        add_timezone(parser)
        add_year(parser)
        parser.add_argument(
            "--feed",
            help="name of the feed of them all (default: one a log, by its name)",
        )

    def handle(self, *, files: list[str], follow: bool, **options) -> None:
        settle_in()
        expect_no_cycles()
        take_short_turns()
        self._files = files
        self._format, self._feed = options["format"], options["feed"]
        self._told = Told(options["xlog"], options["timezone"], options["year"])
        try:
            if follow:
                self._follow()
            else:
                self._read()
        except (FeedBusy, UnknownFormat) as error:
            raise CommandError(str(error)) from error
        except (OSError, *BROKEN) as error:
            raise CommandError(f"cannot be read: {error}") from error

    def _by_feed(self, logs: list[Log]) -> dict[str, list[Log]]:
        feeds: dict[str, list[Log]] = {}
        for log in logs:
            feeds.setdefault(self._feed or log.name, []).append(log)
        return feeds

    # Once

    def _read(self) -> None:
        feeds = self._by_feed(logs_of(self._files))
        if not feeds:
            raise CommandError(f"no file fits {' '.join(self._files)}")
        for name, logs in feeds.items():
            self._read_feed(name, logs)

    def _read_feed(self, name: str, logs: list[Log]) -> None:
        """A pipe is read as it is written: meanwhile its feed is followed."""
        is_live = STDIN in (log.path for log in logs) and is_pipe()
        if is_live and len(logs) > 1:
            raise CommandError("what is piped in needs a feed of its own")

        def opened() -> Intake:
            feed = open_patiently(
                name,
                shown(logs),
                self._format,
                kind=Feed.Kind.FILE,
                patience=PATIENCE_SECONDS if is_live else 0.0,
            )
            return Intake(feed, live=is_live, clock=timezone.now)

        intake = Piping(opened, STDIN, timezone.now) if is_live else opened()
        keep(intake.feed, self._told)
        with followed_meanwhile(intake.feed) if is_live else nullcontext():
            position = self._read_logs(intake, logs)
        feed = intake.feed
        close_feed(feed)
        self.stderr.write(
            f"{feed.name}: {intake.register_count} REGISTERs read, "
            f"{feed.rejected_count} could not be, at byte {position:,}"
        )

    def _read_logs(self, intake: Intake | Piping, logs: list[Log]) -> int:
        """The position in the last of them."""
        unread: list[str] = []
        for log in logs:
            intake.progress.expect(log.path)
        with nullcontext() if STDIN in self._files else unhurried():
            for log in logs:
                years = years_of(intake.feed, self._told)
                for reading in readings(intake.feed, log, timezone.now(), years):
                    self._read_file(intake, reading)
                    unread += self._told_of(reading)
                intake.progress.rest(log.path, is_resting=True)
        intake.take(is_last=True)
        if unread:
            note_trouble(intake.feed, "; ".join(unread), timezone.now())
        return reading.file.position

    def _told_of(self, reading: FileReading) -> list[str]:
        """Say what there is to say of a file that was read; the troubles among it."""
        path = reading.file.path
        if reading.stamps.guessed:
            self.stderr.write(guess_told(path, reading.stamps.guessed))
        if reading.stamps.unknown:
            self.stderr.write(unknown_told(path, reading.stamps.unknown))
        if reading.unread:
            self.stderr.write(f"{path}: {reading.unread}")
        return [f"{Path(path).name}: {reading.unread}"] if reading.unread else []

    def _read_file(self, intake: Intake | Piping, reading: FileReading) -> None:
        while (piece := reading.read()) is not None:
            intake.take(piece)
            if sys.stderr.isatty():
                at = f"\r{intake.feed.name}: byte {reading.file.position:,}"
                self.stderr.write(at, ending="")
        intake.take(reading.leave() if reading.is_rotated else reading.end())

    # For ever

    def _follow(self) -> None:
        if STDIN in self._files:
            raise CommandError("standard input is read to its end: without --follow")
        if self._told.year:
            raise CommandError("a log that is followed is of this year: without --year")
        signal.signal(signal.SIGTERM, _stop)
        with suppress(KeyboardInterrupt):
            while True:
                self._follow_until_trouble()
                time.sleep(RETRY_SECONDS)

    def _follow_until_trouble(self) -> None:
        """Returns only when nothing can be stored; the rows say where to go on."""
        followers: dict[str, Follower] = {}
        # What made a day's partition may be what a crash of PostgreSQL took back.
        partitions.forget()
        try:
            with ExitStack() as stack:
                stack.enter_context(unhurried())
                self._poll(followers, stack)
        except (FeedBusy, UnknownFormat):
            raise
        except DatabaseError as error:
            logger.warning("nothing stored", extra={"why": str(error).strip()})
            self._tell(list(followers), error)
        except Exception as error:
            logger.exception("ingest failed")
            self._tell(list(followers), error)

    def _poll(self, followers: dict[str, Follower], stack: ExitStack) -> None:
        look_at = 0.0
        while True:
            if time.monotonic() >= look_at:
                began = time.monotonic()
                self._sync(followers, stack)
                took = time.monotonic() - began
                look_at = began + max(LOOK_SECONDS, LOOK_SHARE * took)
            polled = [follower.poll() for follower in followers.values()]
            if not any(polled):
                time.sleep(POLL_SECONDS)

    def _sync(self, followers: dict[str, Follower], stack: ExitStack) -> None:
        logs_of_feed = self._by_feed(growing_logs_of(self._files))
        for name in logs_of_feed.keys() - followers.keys():
            followers[name] = Follower(
                name, shown(logs_of_feed[name]), self._told, self._format, timezone.now
            )
            stack.callback(followers[name].close)
        for name, follower in followers.items():
            follower.sync(logs_of_feed.get(name, []))

    def _tell(self, names: list[str], error: Exception) -> None:
        """Say on the page what is wrong, where the database takes at least that."""
        why = str(error).strip().partition("\n")[0] or type(error).__name__
        connection.close()
        try:
            for feed in Feed.objects.filter(name__in=names):
                note_trouble(feed, f"cannot be stored: {why}", timezone.now())
        except DatabaseError:
            # It is away, so there is no page either.
            connection.close()


def shown(logs: list[Log]) -> str:
    """Where a feed comes from, for people."""
    return ", ".join(dict.fromkeys(log.tree or log.path for log in logs))


def _stop(*_) -> None:
    raise KeyboardInterrupt
