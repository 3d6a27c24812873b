"""One open file → the intake of its feed: from the byte where it was left, piece by piece."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import BinaryIO

from registrations.feeds import stamps_of, template_of
from registrations.formats import open_format
from registrations.formats.record import Record
from registrations.intake import Intake, Piece
from registrations.models import Feed, LogFile
from registrations.sources.logfile import (
    Marks,
    inode_of,
    is_same_file,
    read_at,
    written_until,
)

#: A capture says in its first bytes how the rest is to be read.
FORMAT_BYTES = 64 * 1024
#: A batch: some 3,000 REGISTERs when there is much to read, what is there when there is not.
CHUNK = 4 * 1024 * 1024


class FileReading:
    """Reads one open file of a feed from where it was left."""

    def __init__(
        self, intake: Intake, path: str, stream: BinaryIO, now: datetime
    ) -> None:
        self._intake, self._path, self._stream = intake, path, stream
        feed = intake.feed
        self.file = _known_file(feed, path, stream) or _new_file(feed, path, now)
        position = self.file.position
        # Before the marks: a packed stream is best read forward.
        head = read_at(stream, 0, FORMAT_BYTES) if position else b""
        self._marks = Marks(stream, position) if stream.seekable() else None
        if self._marks is not None:
            stream.seek(position)
        format = feed.format or (self.file.format if position else "")
        self._reader = open_format(
            format or None,
            stamps_of(feed, lambda: written_until(path, datetime.now(UTC))),
            position=position,
            head=head,
            template=template_of(feed),
        )
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
        piece = self._piece(self._reader.feed(data), is_fresh=len(data) < CHUNK)
        self._intake.take(piece)
        return True

    def finish(self, *, is_last: bool) -> None:
        """Nothing more will come of this file; `is_last`: nor of its feed."""
        self._intake.take(self._piece(self._reader.end()), is_last=is_last)

    def _piece(self, records: list[Record], *, is_fresh: bool = False) -> Piece:
        position, form = self._reader.resume_position, self._reader.form
        marks = self._marks.at(position) if self._marks else {}
        return Piece(
            file=self.file,
            records=records,
            position=position,
            always_answers=bool(form and form.always_answers),
            is_fresh=is_fresh,
            marks={**marks, "path": self._path, "format": form.name if form else ""},
        )


def _known_file(feed: Feed, path: str, stream: BinaryIO) -> LogFile | None:
    """The file of this feed that this stream continues, under its old name or another."""
    if not stream.seekable():
        return None
    known = feed.files.exclude(position=0).order_by("-id")
    for file in [*known.filter(path=path)[:10], *known.exclude(path=path)[:100]]:
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
