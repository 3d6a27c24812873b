"""The intake of what is piped in, which nobody can read again.

While the database is away the piece that was read last is held and the pipe is read no
further, so what writes into it waits; when the database is back reading goes on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime

from django.db import DatabaseError, connection

from registrations import partitions
from registrations.feeds import note_trouble
from registrations.intake import Intake, Piece
from registrations.models import Feed, Gap
from registrations.progress import Progress

logger = logging.getLogger(__name__)

RETRY_SECONDS = 2.0


class Piping:
    """As an `Intake`; made anew by `opened` after any trouble with the database, where the
    rows say what was stored. `path`: the log's.
    """

    def __init__(
        self, opened: Callable[[], Intake], path: str, clock: Callable[[], datetime]
    ) -> None:
        self._opened, self._path, self._clock = opened, path, clock
        self.register_count, self._feed_id = 0, 0
        #: Nothing was stored since the start: what was written before it is lost.
        self._is_new = True
        self._intake: Intake | None = None
        self._open()

    @property
    def feed(self) -> Feed:
        return self._intake.feed

    @property
    def progress(self) -> Progress:
        return self._intake.progress

    def take(self, *pieces: Piece, is_last: bool = False) -> int:
        """Store what the pieces hold, however long that takes; how many REGISTERs."""
        while True:
            try:
                count = self._take(pieces, is_last)
                break
            except DatabaseError as error:
                logger.warning("nothing stored", extra={"why": str(error).strip()})
                self._tell(error)
                self._intake = None
                time.sleep(RETRY_SECONDS)
        self.register_count += count
        self._is_new = False
        return count

    def _take(self, pieces: tuple[Piece, ...], is_last: bool) -> int:
        if self._intake is None:
            # What made a day's partition may be what a crash of PostgreSQL took back.
            partitions.forget()
            self._open()
            for piece in pieces:
                piece.file.refresh_from_db()
            # The commit may have been done though nobody could say so any more.
            pieces = tuple(one for one in pieces if one.file.position < one.position)
        return self._intake.take(*pieces, is_last=is_last)

    def _open(self) -> None:
        self._intake = self._opened()
        self._feed_id = self.feed.pk
        self.progress.expect(self._path)
        if self._is_new:
            self._intake.losses.begin(Gap.Why.AWAY, self._path)

    def _tell(self, error: Exception) -> None:
        """Say on the page what is wrong, where the database takes at least that."""
        why = str(error).strip().partition("\n")[0] or type(error).__name__
        connection.close()
        try:
            feed = Feed.objects.get(pk=self._feed_id)
            note_trouble(feed, f"cannot be stored: {why}", self._clock())
        except DatabaseError:
            connection.close()  # it is away, so there is no page either
