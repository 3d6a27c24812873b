"""One open file of a feed → pieces of records, from the byte where it was left."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from registrations.feeds import stamps_of, template_of
from registrations.formats import open_format
from registrations.formats.record import Record
from registrations.formats.stamps import Years
from registrations.formats.unread import Unread
from registrations.hearing import Heard, heard
from registrations.intake import Piece
from registrations.logfiles import file_of, next_rotation
from registrations.models import Feed
from registrations.sources.logfile import (
    Fate,
    Marks,
    available,
    fate_of,
    has_more,
    inode_of,
    is_packed,
    is_same_file,
    opened,
    read_at,
    size_of,
    written_until,
)
from registrations.sources.named import STDIN, Log
from registrations.sources.rotations import base_of
from registrations.turns import TURNS

#: A capture says in its first bytes how the rest is to be read.
FORMAT_BYTES = 64 * 1024
#: A batch: some 3,000 REGISTERs when there is much to read, what is there when there is not.
CHUNK = 4 * 1024 * 1024
#: So much is read at once, some two milliseconds' work.
SLICE = 64 * 1024
#: Where much is to be read, the next piece is read while PostgreSQL stores the last one.
AHEAD = ThreadPoolExecutor(1, thread_name_prefix="ahead")


class FileReading:
    """Reads one open file. `log`: the log it is a part of, under whatever name. `years`: of
    stamps that name none, else by the file's last change.
    """

    def __init__(
        self,
        feed: Feed,
        log: str,
        path: str,
        stream: BinaryIO,
        now: datetime,
        years: Years | None = None,
    ) -> None:
        self._log, self._path, self._stream = log, path, stream
        self._inode = inode_of(path)
        self.file = file_of(feed, path, stream, now)
        position = self.file.position
        # Before the marks: a packed stream is best read forward.
        head = read_at(stream, 0, FORMAT_BYTES) if position else b""
        self._marks = Marks(stream, position) if stream.seekable() else None
        if self._marks is not None:
            stream.seek(position)
        found = self.file.format if position else ""
        self.stamps = stamps_of(
            feed, lambda: written_until(path, datetime.now(UTC)), years
        )
        self._reader = open_format(
            feed.format or None,
            self.stamps,
            position=position,
            head=head,
            template=template_of(feed),
            found=found or None,
        )
        self._unread = Unread(feed.format or found or None, position, head)
        self.opened_at = now
        #: The byte up to which the stream was read; part of a record may not be stored yet.
        self.read_to = position
        self._coming: Future[Piece | None] | None = None
        self._is_short = False
        self.is_growing = self._marks is not None and not is_packed(stream)

    @property
    def is_rotated(self) -> bool:
        """True for an older file of its log."""
        return base_of(self._path) == self._log

    @property
    def fate(self) -> Fate:
        """What became of the file by its path; SAME for what cannot grow."""
        if not self.is_growing:
            return Fate.SAME
        if self._was_rewritten():
            return Fate.CUT
        return fate_of(self._path, self._inode, self.read_to)

    @property
    def end_of_file(self) -> tuple[int, int]:
        """Inode and size of the file as far as it was read; of a packed one, as it is."""
        if self.is_growing:
            return self._inode, self.read_to
        return inode_of(self._path), size_of(self._path) or 0

    def read(self, size: int = CHUNK) -> Piece | None:
        """The next piece of at most `size` bytes; None when there is none just now."""
        coming, self._coming = self._coming, None
        piece = coming.result() if coming else self._read(size)
        if piece is not None and not self._is_short:
            self._coming = AHEAD.submit(self._read, size)
        return piece

    def close(self) -> None:
        """Before the stream is closed."""
        if self._coming is not None:
            wait([self._coming])

    def _read(self, size: int) -> Piece | None:
        # What has lain in a pipe may have been written at any time.
        was_awaited = self._marks is not None or not has_more(self._stream)
        data = available(self._stream, size)
        # Looked at behind the reading: a file cut meanwhile is not read as if it went on.
        if not data or (self.is_growing and self._was_rewritten()):
            return None
        if self._marks is not None:
            self._marks.add(data)
        self.read_to += len(data)
        self._is_short = len(data) < size
        records = self._records(data)
        is_fresh = self._is_short and was_awaited and self._path == self._log
        return self._piece(records, self._reader.resume_position, is_fresh=is_fresh)

    def _records(self, data: bytes) -> list[Record | Heard]:
        records: list[Record | Heard] = []
        for at in range(0, len(data), SLICE):
            TURNS.await_one()
            piece = data[at : at + SLICE]
            found = heard(self._reader.feed(piece))
            self._unread.saw(piece, found, self._reader.form)
            records += found
        return records

    def end(self) -> Piece:
        """What is left, now that nothing more will come of this file."""
        records = self._reader.end()
        self._unread.saw(b"", records, None)
        return self._piece(records, self._reader.resume_position)

    def leave(self) -> Piece:
        """The same of a file that was rotated away: none of its bytes are read again."""
        return self._piece(self._reader.end(), self.read_to)

    @property
    def unread(self) -> str:
        """What to say where nothing in it looks like its format; else empty."""
        return self._unread.words

    def goes_on_in(self, path: str) -> bool:
        """True when the file of this path begins with all that was read of this one."""
        with opened(path) as stream:
            position = self.read_to
            return is_same_file(stream, position=position, **self._marks.at(position))

    def _was_rewritten(self) -> bool:
        newest = self._marks.newest
        at = self.read_to - len(newest)
        return os.pread(self._stream.fileno(), len(newest), at) != newest

    def _piece(
        self, records: list[Record | Heard], position: int, *, is_fresh: bool = False
    ) -> Piece:
        form = self._reader.form
        # Nothing stored yet: the marks of its opening stand.
        marks = self._marks.at(position) if self._marks and position else {}
        return Piece(
            file=self.file,
            log=self._log,
            records=records,
            position=position,
            always_answers=bool(form and form.always_answers),
            is_fresh=is_fresh,
            marks={**marks, "path": self._path, "format": form.name if form else ""},
        )


def readings(
    feed: Feed, log: Log, now: datetime, years: Years | None = None
) -> Iterator[FileReading]:
    """The files of a log one after the other, each open while it is in hand: those named
    before it, what was rotated away unread, itself. Raises OSError.
    """
    for path in _paths(feed, log, now):
        with opened(path) as stream:
            reading = FileReading(feed, log.path, path, stream, now, years)
            with closing(reading):
                yield reading


def _paths(feed: Feed, log: Log, now: datetime) -> Iterator[str]:
    yield from log.before
    while (path := next_rotation(feed, log.path, now)) is not None:
        yield path
    if log.path == STDIN or not log.before or Path(log.path).is_file():
        yield log.path
