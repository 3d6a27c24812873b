"""One log as it grows, through its rotations."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from errno import ENOENT

from registrations.ingest import FileReading
from registrations.intake import Piece
from registrations.logfiles import is_forsaken, next_rotation
from registrations.models import Feed
from registrations.sources.logfile import BROKEN, Fate, opened, size_of, written_at
from registrations.sources.named import Log
from registrations.sources.rotations import standing

#: A path with nothing at it is normal this long: a rotation is under way.
GONE = timedelta(seconds=3)
#: What could not be opened is tried again this soon.
RETRY_SECONDS = 0.5


class Tail:
    """One log: what was rotated away unread first, then the file that grows.

    It may be closed at its end, and is opened again by the next `read`.
    """

    def __init__(
        self,
        feed: Feed,
        log: Log,
        clock: Callable[[], datetime],
        left: tuple[int, int] | None = None,
    ) -> None:
        """`left`: inode and size of a log that was read to its end; None to read it."""
        self.log = log
        #: Why nothing can be read just now; empty while it can.
        self.trouble = ""
        #: Part of it is gone unread, and the feed does not know yet.
        self.has_lost = False
        #: Nothing is left to read just now.
        self.is_at_end = left is not None
        self._feed, self._clock = feed, clock
        self._before = list(log.before)
        self._reading: FileReading | None = None
        self._stack = ExitStack()
        self._path = ""
        #: How the files stood when the one now open was looked for; None once that was right.
        self._standing: dict[str, int] | None = None
        self._retry_at = 0.0
        self._left = left
        self._unread = ""
        self._is_leaving = False
        self._is_new, self._is_torn = left is None, False
        self._grown_at = self._there_at = clock()

    def unread(self, patience: timedelta) -> str:
        """What to say of a file of which nothing was known for that long; the words stay."""
        reading = self._reading
        words = reading.unread if reading is not None else ""
        if not words or self._clock() - reading.opened_at < patience:
            self._unread = self._unread if words else ""
        else:
            self._unread = self._unread or words
        return self._unread

    @property
    def is_gone(self) -> bool:
        """Nothing has been at its path for a while."""
        return self._clock() - self._there_at > GONE

    def is_idle(self, heartbeat: timedelta) -> bool:
        """All of it was read, and it has not grown for longer than the heartbeat."""
        is_quiet = self._clock() - self._grown_at > heartbeat
        return self.is_at_end and not self.trouble and is_quiet

    def has_grown(self) -> bool:
        """Whether a log that was closed at its end has more to read now."""
        try:
            now = os.stat(self.log.path)
        except FileNotFoundError:
            return False
        if self._left == (now.st_ino, now.st_size):
            return False
        self.is_at_end = False
        return True

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
            self.is_at_end, self._grown_at = False, self._clock()
        return piece

    def close(self) -> None:
        """Let the file go; the position is in the database."""
        self._left = None
        if self._reading is not None:
            self._left = self._reading.end_of_file
            self._reading.close()
        self._stack.close()
        self._reading = None

    def _opened(self) -> bool:
        if time.monotonic() < self._retry_at:
            return False
        now, self._is_leaving = self._clock(), False
        self._standing = standing(self.log.path)
        self._path = self._next_path(now)
        if self._path and (self._is_new or self._is_torn):
            gone = self._is_torn or is_forsaken(self._feed, self.log.path, now)
            self.has_lost, self._is_new, self._is_torn = gone, False, False
        if not self._path:
            self.is_at_end, self._retry_at = True, time.monotonic() + RETRY_SECONDS
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
            self.is_at_end = True
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
        self.is_at_end = fate is not Fate.RENAMED
        return None

    def _cut(self) -> Piece | None:
        """The copy goes on with a record of which we have the beginning."""
        rotated = next_rotation(self._feed, self.log.path, self._clock())
        if rotated is not None and self._reading.goes_on_in(rotated):
            self.close()
            return None
        self._is_torn = True
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
            self._is_torn = True
            return self._leave()
        self.close()
        self._retry_at = time.monotonic() + RETRY_SECONDS
        if now - self._there_at > GONE or not isinstance(error, FileNotFoundError):
            self.trouble = (
                f"cannot be read: {getattr(error, 'strerror', None) or error}"
            )
        return None
