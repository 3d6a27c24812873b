"""`journalctl -o export`: fields of one entry a line each, binary ones with their length.

https://systemd.io/JOURNAL_EXPORT_FORMATS: `NAME=value`, or `NAME`, a line end, 64 bits of
length (little endian), the bytes, a line end. An empty line ends the entry.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from registrations.formats.stamps import Stamps
from registrations.formats.syslog import EPOCH
from registrations.formats.wrapped import Envelope, Wrapper

FIELD = re.compile(rb"([A-Z_][A-Z0-9_]*)(=|\n)")
#: A name of which more is to come.
UNDER_WAY = re.compile(rb"[A-Z_][A-Z0-9_]{0,63}")
#: A longer field is a lie about its length.
LONGEST_FIELD = 512 * 1024
REALTIME = re.compile(rb"__REALTIME_TIMESTAMP=(\d{1,17})")


class JournalExport(Wrapper):
    """An entry begins with its cursor. It says the time in full: no stamp is filled in."""

    name = "journal-export"
    header = re.compile(rb"__CURSOR=")

    def __init__(self, stamps: Stamps) -> None:
        pass

    def end(self, data: bytes, start: int, marker: int, *, is_last: bool) -> int | None:
        at = start
        while at < len(data):
            if data[at : at + 1] == b"\n":
                return at + 1
            if at > start and self.header.match(data, at):
                return at  # an entry whose length was a lie
            after = _behind_field(data, at)
            if after is None and not is_last and UNDER_WAY.fullmatch(data, at):
                return None
            if after is None:
                return super().end(data, start, marker, is_last=is_last)
            if after > len(data):
                break
            at = after
        return len(data) if is_last else None

    def split(self, data: bytes) -> Iterator[tuple[bytes, int]]:
        at = 0
        while at < len(data):
            end = self.end(data, at, at, is_last=False)
            if end is None:
                return
            yield data[at:end], end - at
            at = end

    def origin(self, record: bytes) -> bytes:
        return b" ".join(
            value for name, value in _fields(record) if name in (b"_HOSTNAME", b"_PID")
        )

    def is_one_line(self, line: bytes) -> bool:
        return False

    def unwrap(self, record: bytes) -> Envelope | None:
        text = _message(record)
        return Envelope(text=text, at=self.moment(record)) if text else None

    def moment(self, line: bytes) -> datetime | None:
        found = REALTIME.search(line)
        return EPOCH + timedelta(microseconds=int(found[1])) if found else None


def _message(record: bytes) -> bytes | None:
    return next((value for name, value in _fields(record) if name == b"MESSAGE"), None)


def _fields(record: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and value of each field, up to one that is none."""
    at = 0
    while at < len(record) and (field := FIELD.match(record, at)):
        after = _behind_field(record, at)
        if after is None:
            return
        start = field.end() + (8 if field[2] == b"\n" else 0)
        yield field[1], record[start : after - 1]
        at = after


def _behind_field(data: bytes, at: int) -> int | None:
    """The index behind a field; None for what is none."""
    field = FIELD.match(data, at)
    if field is None:
        return None
    if field[2] == b"=":
        return (data.find(b"\n", field.end()) + 1) or len(data) + 1
    length = int.from_bytes(data[field.end() : field.end() + 8], "little")
    return field.end() + 8 + length + 1 if length <= LONGEST_FIELD else None
