"""Logs as they grow: one log through its rotations, and all the logs of one feed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import datetime, timedelta
from errno import ENOENT
from pathlib import Path

from registrations.feeds import (
    Told,
    end_trouble,
    keep,
    note_trouble,
    open_patiently,
)
from registrations.ingest import CHUNK, FileReading
from registrations.intake import Intake, Piece
from registrations.logfiles import next_rotation
from registrations.models import Feed
from registrations.sources.logfile import BROKEN, Fate, opened, size_of, written_at
from registrations.sources.named import Log
from registrations.sources.rotations import standing

#: A path with nothing at it is normal this long: a rotation is under way.
GONE = timedelta(seconds=3)
#: What could not be opened is tried again this soon.
RETRY_SECONDS = 0.5
#: Of many logs each gets this much of a batch at least.
LEAST = 256 * 1024
#: A feed that another process reads is waited for this long.
PATIENCE_SECONDS = 15.0


class Tail:
    """One log: what was rotated away unread first, then the file that grows."""

    def __init__(self, feed: Feed, log: Log, clock: Callable[[], datetime]) -> None:
        self.log = log
        #: Why nothing can be read just now; empty while it can.
        self.trouble = ""
        self._feed, self._clock = feed, clock
        self._before = list(log.before)
        self._reading: FileReading | None = None
        self._stack = ExitStack()
        self._path = ""
        #: How the files stood when the one now open was looked for; None once that was right.
        self._standing: dict[str, int] | None = None
        self._retry_at = 0.0
        self._is_at_end = self._is_leaving = False
        self._grown_at = self._there_at = clock()

    @property
    def is_gone(self) -> bool:
        """Nothing has been at its path for a while."""
        return self._clock() - self._there_at > GONE

    def is_idle(self, heartbeat: timedelta) -> bool:
        """All of it was read, and it has not grown for longer than the heartbeat."""
        is_quiet = self._clock() - self._grown_at > heartbeat
        return self._is_at_end and not self.trouble and is_quiet

    def read(self, size: int) -> Piece | None:
        """The next piece, of at most `size` bytes; None when there is none just now."""
        try:
            if self._reading is None and not self._opened():
                return None
            piece = self._reading.read(size)
            if self._was_overtaken():
                return None
            piece = piece or self._end_of_file()
        except (OSError, *BROKEN) as error:
            return self._failed(error)
        if piece is not None:
            self._is_at_end, self._grown_at = False, self._clock()
        return piece

    def close(self) -> None:
        """Let the file go; the position is in the database."""
        if self._reading is not None:
            self._reading.close()
        self._stack.close()
        self._reading = None

    def _opened(self) -> bool:
        if time.monotonic() < self._retry_at:
            return False
        now, self._is_leaving = self._clock(), False
        self._standing = standing(self.log.path)
        self._path = self._next_path(now)
        if not self._path:
            self._is_at_end, self._retry_at = True, time.monotonic() + RETRY_SECONDS
            self._there_at, self.trouble = now, ""
            return False
        stream = self._stack.enter_context(opened(self._path))
        log = self.log.path
        self._reading = FileReading(self._feed, log, self._path, stream, now)
        self._grown_at = written_at(self._path, now)
        self.trouble = ""
        return True

    def _next_path(self, now: datetime) -> str:
        """What to read next, empty for nothing yet. Raises OSError for nothing at all."""
        if self._before:
            return self._before[0]
        # Before the rotations: once the new file is written to, the old one no longer is.
        size = size_of(self.log.path)
        rotated = next_rotation(self._feed, self.log.path, now)
        if rotated is None and size is None:
            raise FileNotFoundError(ENOENT, "no such file")
        return rotated or (self.log.path if size else "")

    def _was_overtaken(self) -> bool:
        """True when files were rotated while the next one was looked for: look again.

        What was read of it is not stored yet, so nothing is lost.
        """
        if self._standing is None or standing(self.log.path) == self._standing:
            self._standing = None
            return False
        self.close()
        return True

    def _end_of_file(self) -> Piece | None:
        """Nothing is left in the file just now: is it still the one to read?"""
        if self._path != self.log.path:
            return self._leave()
        fate = self._reading.fate
        if fate is Fate.GONE:
            self._is_at_end = True
            self.trouble = "is gone" if self.is_gone else self.trouble
            return None
        self._there_at, self.trouble = self._clock(), ""
        if fate is Fate.CUT:
            return self._cut()
        if fate is Fate.RENAMED:
            # Read once more: what was written before the new file is there by now.
            if self._is_leaving:
                return self._leave()
            self._is_leaving = True
        self._is_at_end = fate is not Fate.RENAMED
        return None

    def _cut(self) -> Piece | None:
        """The copy goes on with a record of which we have the beginning."""
        rotated = next_rotation(self._feed, self.log.path, self._clock())
        if rotated is not None and self._reading.goes_on_in(rotated):
            self.close()
            return None
        return self._leave()

    def _leave(self) -> Piece:
        piece = self._reading.leave()
        self.close()
        if self._before and self._path == self._before[0]:
            self._before.pop(0)
        return piece

    def _failed(self, error: Exception) -> Piece | None:
        """It cannot be read: once more a little later, but a broken rotation never."""
        now = self._clock()
        is_rotated = self._path != self.log.path
        if self._reading is not None and is_rotated and isinstance(error, BROKEN):
            return self._leave()
        self.close()
        self._retry_at = time.monotonic() + RETRY_SECONDS
        if now - self._there_at > GONE or not isinstance(error, FileNotFoundError):
            self.trouble = (
                f"cannot be read: {getattr(error, 'strerror', None) or error}"
            )
        return None


class Follower:
    """One feed and the logs that feed it. Made anew after any trouble with the database."""

    def __init__(
        self,
        name: str,
        shown: str,
        told: Told,
        format: str | None,
        clock: Callable[[], datetime],
    ) -> None:
        """Open the feed; `shown`: where it comes from, for people. Raises FeedBusy."""
        kind = Feed.Kind.FILE
        self.feed = open_patiently(
            name, shown, format, kind=kind, patience=PATIENCE_SECONDS
        )
        keep(self.feed, told)
        self.feed.followed = True
        self.feed.save(update_fields=["followed"])
        self._intake = Intake(self.feed, live=True, clock=clock)
        self._tails: dict[str, Tail] = {}
        self._resting: set[str] = set()
        self._clock = clock

    def sync(self, logs: Iterable[Log]) -> None:
        """These logs feed it now; one that only a pattern found may go."""
        logs = {log.path: log for log in logs}
        for path in logs.keys() - self._tails.keys():
            self._tails[path] = Tail(self.feed, logs[path], self._clock)
            self._intake.progress.expect(path)
        for path in self._tails.keys() - logs.keys():
            if self._tails[path].is_gone:
                self._tails.pop(path).close()
                self._intake.progress.drop(path)

    def poll(self) -> bool:
        """Take in what is there; False when nothing was."""
        size = max(LEAST, CHUNK // max(1, len(self._tails)))
        pieces = [tail.read(size) for tail in self._tails.values()]
        pieces = [piece for piece in pieces if piece is not None]
        has_changed = self._rest()
        self._intake.trouble = self._trouble()
        if pieces or has_changed:
            self._intake.take(*pieces)
        elif self._intake.trouble:
            note_trouble(self.feed, self._intake.trouble, self._clock())
        else:
            end_trouble(self.feed)
        return bool(pieces)

    def close(self) -> None:
        """Let the files go; the feed is free when the session ends."""
        for tail in self._tails.values():
            tail.close()

    def _rest(self) -> bool:
        """Tell which logs hold the others no more; True when that has changed."""
        before, heartbeat = self._resting, self.feed.heartbeat
        self._resting = {
            path for path, tail in self._tails.items() if tail.is_idle(heartbeat)
        }
        for path in self._tails:
            self._intake.progress.rest(path, is_resting=path in self._resting)
        return before != self._resting

    def _trouble(self) -> str:
        return "; ".join(
            f"{Path(path).name} {tail.trouble}"
            for path, tail in sorted(self._tails.items())
            if tail.trouble
        )
