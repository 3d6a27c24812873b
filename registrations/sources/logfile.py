"""Bytes of log files: whole, packed by gzip, from standard input, and as they grow.

No Django here. A file that is followed is told apart from its next rotation by digests of
its first bytes and of the bytes just before the position we had read up to.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

CHUNK = 256 * 1024
HEAD_BYTES = 1024
TAIL_BYTES = 256
A_DAY = timedelta(days=1)
GZIP_MAGIC = b"\x1f\x8b"


@contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """The unpacked bytes of a file, a gzip file or (`-`) standard input."""
    if path == "-":
        yield sys.stdin.buffer
        return
    with open(path, "rb") as raw:
        is_packed = raw.read(2) == GZIP_MAGIC
        raw.seek(0)
        if is_packed:
            with gzip.open(raw, "rb") as unpacked:
                yield unpacked
        else:
            yield raw


def chunks(stream: BinaryIO) -> Iterator[bytes]:
    """The rest of a stream in pieces of at most CHUNK bytes."""
    while (
        data := stream.read1(CHUNK) if hasattr(stream, "read1") else stream.read(CHUNK)
    ):
        yield data


def digest(data: bytes) -> str:
    """A short digest of a piece of a file, to know it again."""
    return hashlib.sha256(data).hexdigest()[:32]


def inode_of(path: str) -> int:
    """The inode of a path, 0 where there is none to know (standard input, gone)."""
    try:
        return os.stat(path).st_ino if path != "-" else 0
    except FileNotFoundError:
        return 0


def written_until(path: str, now: datetime) -> datetime:
    """The latest moment a line of a file can speak of: its last change, a day allowed for
    zones and clocks. `now` for standard input and for what cannot be asked.
    """
    try:
        written = datetime.fromtimestamp(os.stat(path).st_mtime, UTC)
    except (OSError, OverflowError, ValueError):
        written = now
    return min(written, now) + A_DAY


def read_at(stream: BinaryIO, position: int, size: int) -> bytes:
    """Up to `size` bytes from `position` of a seekable stream."""
    stream.seek(position)
    return stream.read(size)


def is_same_file(
    stream: BinaryIO,
    *,
    head_bytes: int,
    head_digest: str,
    position: int,
    tail_bytes: int,
    tail_digest: str,
) -> bool:
    """True when the stream starts as it did, and reads the same just before `position`."""
    if digest(read_at(stream, 0, head_bytes)) != head_digest:
        return False
    tail = read_at(stream, position - tail_bytes, tail_bytes)
    return len(tail) == tail_bytes and digest(tail) == tail_digest


def has_moved_on(path: str, inode: int, position: int) -> bool:
    """True when `path` is another file now (rename) or was cut short (copytruncate)."""
    try:
        now = Path(path).stat()
    except FileNotFoundError:
        return False
    return now.st_ino != inode or now.st_size < position


class Marks:
    """Remembers the head of a stream and the bytes before any recent position."""

    KEPT = 8 * 1024 * 1024

    def __init__(self, stream: BinaryIO, position: int) -> None:
        """Start at `position`; the stream is left there (gzip only ever moves forward)."""
        self._head = read_at(stream, 0, min(HEAD_BYTES, position)) if position else b""
        tail_bytes = min(TAIL_BYTES, position)
        self._recent = (
            read_at(stream, position - tail_bytes, tail_bytes) if position else b""
        )
        self._end = position

    def add(self, data: bytes) -> None:
        """These bytes were read next."""
        if len(self._head) < HEAD_BYTES and self._end < HEAD_BYTES:
            self._head = (self._head + data)[:HEAD_BYTES]
        self._recent = (self._recent + data)[-self.KEPT :]
        self._end += len(data)

    def at(self, position: int) -> dict[str, int | str]:
        """What is_same_file will ask for, as of `position`."""
        head = self._head[:position]
        stop = len(self._recent) - (self._end - position)
        tail = self._recent[max(0, stop - TAIL_BYTES) : stop]
        return {
            "head_bytes": len(head),
            "head_digest": digest(head),
            "tail_bytes": len(tail),
            "tail_digest": digest(tail),
        }
