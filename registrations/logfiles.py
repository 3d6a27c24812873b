"""The rows of a feed's files: which of them a stream continues, and what was rotated away
before it was read.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import BinaryIO

from registrations.models import Feed, LogFile
from registrations.sources.logfile import (
    BROKEN,
    HEAD_BYTES,
    digest,
    inode_of,
    is_cut_copy,
    is_same_file,
    opened,
    read_at,
    size_of,
    written_at,
)
from registrations.sources.rotations import base_of, rotations_of, stem_of

logger = logging.getLogger(__name__)

#: What cannot be unpacked this long after it was written will not be whole any more.
PACKING = timedelta(seconds=60)
#: Files of one path, and of other paths, that are compared with a stream.
MOST_OF_PATH, MOST_OF_OTHERS = 10, 100


def ends_of(feed: Feed) -> dict[str, tuple[int, int]]:
    """Path → inode and position of the newest file of each path."""
    rows = feed.files.filter(kind=LogFile.Kind.FILE).order_by("id")
    return {
        path: (inode, position)
        for path, inode, position in rows.values_list("path", "inode", "position")
    }


def file_of(feed: Feed, path: str, stream: BinaryIO, now: datetime) -> LogFile:
    """The row of the file that this stream continues, under its old name or another; new
    where it continues none.
    """
    return known_file(feed, path, stream) or _new_file(feed, path, stream, now)


def known_file(feed: Feed, path: str, stream: BinaryIO) -> LogFile | None:
    """The file of the feed that this stream continues; None when it is none of them."""
    if not stream.seekable():
        return None
    for file in _candidates(feed, path):
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


def _candidates(feed: Feed, path: str) -> Iterator[LogFile]:
    known = feed.files.exclude(head_bytes=0).order_by("-id")
    yield from known.filter(path=path)[:MOST_OF_PATH]
    yield from known.exclude(path=path)[:MOST_OF_OTHERS]


def _new_file(feed: Feed, path: str, stream: BinaryIO, now: datetime) -> LogFile:
    # By its first bytes it is known again though nothing is stored of it yet.
    head = read_at(stream, 0, HEAD_BYTES) if stream.seekable() else b""
    facts = {
        "inode": inode_of(path),
        "head_bytes": len(head),
        "head_digest": digest(head),
        "tail_digest": digest(b""),
    }
    # The row of an empty log serves again: it may be opened often.
    empty = feed.files.filter(path=path, position=0, kind=LogFile.Kind.FILE)
    file = empty.filter(head_bytes=0).order_by("-id").first()
    if file is not None and not file.rejected.exists():
        feed.files.filter(pk=file.pk).update(**facts)
        file.refresh_from_db()
        return file
    return LogFile.objects.create(feed=feed, path=path, opened_at=now, **facts)


def is_forsaken(feed: Feed, path: str, now: datetime) -> bool:
    """True when a log was read before and none of the files there now is what was read: the
    rest of that is gone.
    """
    likely = feed.files.filter(path__startswith=stem_of(path), position__gt=0)
    if not any(path in (file.path, base_of(file.path)) for file in likely):
        return False
    there = [*rotations_of(path), *([path] if size_of(path) is not None else [])]
    found = (_known_rotation(feed, one, now) for one in there)
    return not any(file is not None and file.position for file in found)


def next_rotation(feed: Feed, path: str, now: datetime) -> str | None:
    """The rotated file of a log to read before the log itself; None for none.

    Raises OSError, and what BROKEN lists for one that is still being packed.
    """
    rotated = _unread_rotations(feed, path, now)
    return next((one for one in rotated if not _is_read(feed, one, now)), None)


def _unread_rotations(feed: Feed, path: str, now: datetime) -> list[str]:
    """The rotated files of a log that may hold what was not read yet, the oldest first.

    Those from the newest one on of which something is stored. Where there is none any more,
    those we opened, and those that were written to after a file was opened in vain or the
    feed was last read. None of a log that we never opened.
    """
    likely = feed.files.filter(path__startswith=stem_of(path))
    files = [file for file in likely if path in (file.path, base_of(file.path))]
    if not files:
        return []
    in_vain = [file.opened_at for file in files if file.position == 0]
    since = min(in_vain, default=feed.last_read_at)
    since = since or min(file.opened_at for file in files)
    rotated, oldest = rotations_of(path), None
    for index in range(len(rotated) - 1, -1, -1):
        file = _known_rotation(feed, rotated[index], now)
        if file is not None and file.position:
            return rotated[index:]
        if file is not None or written_at(rotated[index], now) > since:
            oldest = index
    return [] if oldest is None else rotated[oldest:]


def _known_rotation(feed: Feed, path: str, now: datetime) -> LogFile | None:
    try:
        with opened(path) as stream:
            return known_file(feed, path, stream)
    except BROKEN:
        if _is_being_packed(path, now):
            raise
        return None


def _is_read(feed: Feed, path: str, now: datetime) -> bool:
    try:
        with opened(path) as stream:
            return _has_no_more(feed, path, stream)
    except BROKEN as error:
        if _is_being_packed(path, now):
            raise
        facts = {"path": path, "why": str(error)}
        logger.warning("rotated file breaks off", extra=facts)
        return True


def _is_being_packed(path: str, now: datetime) -> bool:
    return now - written_at(path, now) < PACKING


def _has_no_more(feed: Feed, path: str, stream: BinaryIO) -> bool:
    file = known_file(feed, path, stream)
    stream.seek(file.position if file else 0)
    return not stream.read(1) or (file is None and _is_copy(feed, path, stream))


def _is_copy(feed: Feed, path: str, stream: BinaryIO) -> bool:
    return any(
        is_cut_copy(
            stream,
            head_bytes=file.head_bytes,
            head_digest=file.head_digest,
            position=file.position,
        )
        for file in _candidates(feed, path)
    )
