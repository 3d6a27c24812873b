"""Bytes of log files: whole, packed by gzip, from standard input, and as they grow.

No Django here. A file that is followed is told apart from its next rotation by digests of
its first bytes and of the bytes just before the position we had read up to.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import select
import stat
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from pathlib import Path
from typing import BinaryIO

CHUNK = 256 * 1024
HEAD_BYTES = 1024
TAIL_BYTES = 256
A_DAY = timedelta(days=1)
GZIP_MAGIC = b"\x1f\x8b"
#: What reading a packed file raises that is not whole, or damaged.
BROKEN = (EOFError, gzip.BadGzipFile, zlib.error)


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


def is_packed(stream: BinaryIO) -> bool:
    """True for one that gzip unpacks: its positions are none of the file's."""
    return isinstance(stream, gzip.GzipFile)


def is_pipe() -> bool:
    """True when standard input is written while it is read: it is no file on a disk."""
    return not stat.S_ISREG(os.fstat(sys.stdin.fileno()).st_mode)


def available(stream: BinaryIO, size: int) -> bytes:
    """Up to `size` bytes, without waiting for more where some are there already.

    Of a packed file that breaks off all that can be unpacked, then EOFError or zlib.error.
    """
    if stream.seekable() and not is_packed(stream):
        return stream.read(size)
    data = bytearray()
    while len(data) < size and (not data or has_more(stream)):
        try:
            more = stream.read1(size - len(data))
        except BROKEN:
            if not data:
                raise
            break
        if not more:
            break
        data += more
    return bytes(data)


def has_more(stream: BinaryIO) -> bool:
    """False when to read on would mean to wait."""
    return is_packed(stream) or bool(select.select([stream], [], [], 0)[0])


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
    return written_at(path, now) + A_DAY


def size_of(path: str) -> int | None:
    """Bytes of a file; None where there is none."""
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return None


def written_at(path: str, now: datetime) -> datetime:
    """When a file was written to last; `now` for what cannot be asked."""
    try:
        return min(now, datetime.fromtimestamp(os.stat(path).st_mtime, UTC))
    except (OSError, OverflowError, ValueError):
        return now


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


def is_cut_copy(
    stream: BinaryIO, *, head_bytes: int, head_digest: str, position: int
) -> bool:
    """True for a copy made before the last of what was read was written (copytruncate)."""
    if head_bytes < HEAD_BYTES or digest(read_at(stream, 0, head_bytes)) != head_digest:
        return False
    return not read_at(stream, position - 1, 1)


class Fate(Enum):
    """What became of a file that is open, by its path."""

    SAME = auto()
    #: Nothing is at the path.
    GONE = auto()
    #: Another file is there, and what writes may still hold the old one.
    FORSAKEN = auto()
    #: Another file is there and is written to.
    RENAMED = auto()
    #: Cut short, its bytes are elsewhere (copytruncate).
    CUT = auto()


def fate_of(path: str, inode: int, position: int) -> Fate:
    """What became of the file of this inode that was read up to `position`."""
    try:
        now = Path(path).stat()
    except FileNotFoundError:
        return Fate.GONE
    if now.st_ino != inode:
        return Fate.RENAMED if now.st_size else Fate.FORSAKEN
    return Fate.CUT if now.st_size < position else Fate.SAME


class Marks:
    """Remembers the head of a stream and the bytes before any recent position."""

    KEPT = 8 * 1024 * 1024

    def __init__(self, stream: BinaryIO, position: int) -> None:
        """Start at `position`; the stream is left there (gzip only ever moves forward)."""
        self._head = read_at(stream, 0, min(HEAD_BYTES, position)) if position else b""
        tail_bytes = min(TAIL_BYTES, position)
        self._recent = bytearray(
            read_at(stream, position - tail_bytes, tail_bytes) if position else b""
        )
        self._end = position

    def add(self, data: bytes) -> None:
        """These bytes were read next."""
        if len(self._head) < HEAD_BYTES and self._end < HEAD_BYTES:
            self._head = (self._head + data)[:HEAD_BYTES]
        self._recent += data
        if len(self._recent) > 2 * self.KEPT:
            del self._recent[: -self.KEPT]
        self._end += len(data)

    @property
    def newest(self) -> bytes:
        """The last bytes that were read."""
        return bytes(self._recent[-TAIL_BYTES:])

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
