"""A program's own log, line by line inside the records of another: what Docker, Kubernetes,
the journal or syslog keep of what it printed to its output.

Each record carries one line. The lines are put together again and read like the log they
are; a record counts where its line stands, at the time the carrier says.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import NamedTuple

from registrations.formats.cutting import is_whole
from registrations.formats.journal import JournalExport
from registrations.formats.jsonlog import JsonLog
from registrations.formats.marks import VERSION
from registrations.formats.record import Pulse, Record, Request
from registrations.formats.refused import SHOWN, endless
from registrations.formats.stamps import ISO, Stamps
from registrations.formats.syslog import Syslog
from registrations.formats.torn import whole_or_half
from registrations.formats.turning import Turning
from registrations.formats.wrapped import (
    LONGEST_RECORD,
    Envelope,
    WrappedForm,
    Wrapper,
)

#: A line of Kubernetes' (CRI): `2026-11-23T19:51:41.377040123Z stderr F text`. `P`: the line
#: goes on in the next record.
CRI = re.compile(rb"(" + ISO.pattern + rb") (?:stdout|stderr) ([FP]) ")


class Cri(Wrapper):
    """A time, the stream, whether the line ends, and the line."""

    name = "cri"
    header = CRI

    def __init__(self, stamps: Stamps) -> None:
        self._stamps = stamps

    def unwrap(self, record: bytes) -> Envelope | None:
        found = CRI.match(record)
        if found is None:
            return None
        at = self._stamps.iso(ISO.match(found[1]))
        return Envelope(text=record[found.end() :], at=at)

    def origin(self, record: bytes) -> bytes:
        return record.split(b" ", 2)[1]

    def goes_on(self, record: bytes) -> bool:
        found = CRI.match(record)
        return found is not None and found.groups()[-1] == b"P"


class Within:
    """Matches a record whose line is of the log inside."""

    def __init__(self, wrapper: Wrapper, shape: re.Pattern[bytes]) -> None:
        self._wrapper, self._shape = wrapper, shape

    def match(self, record: bytes) -> re.Match[bytes] | None:
        if not self._wrapper.header.match(record):
            return None
        envelope = self._wrapper.unwrap(record)
        # A record that holds a whole message is no line.
        if envelope is None or envelope.text.rstrip(b"\r\n").find(b"\n") >= 0:
            return None
        return self._shape.match(ended(envelope.text))


def ended(text: bytes) -> bytes:
    """The text with a line end."""
    return text if text.endswith(b"\n") else text + b"\n"


class Place(NamedTuple):
    """Where a line begins: in the program's log, in the carrier's; and its time."""

    inner: int
    outer: int
    at: datetime | None


class Carried:
    """Takes the lines out of a carrier's records and hands them to their own reader.

    `inner`: the reader of the program's log, from its first byte on; `shape`: what a line of
    that log begins with. What others print between the lines of a message is none of it.
    """

    def __init__(
        self,
        name: str,
        wrapper: Wrapper,
        inner,
        shape: re.Pattern[bytes],
        position: int,
        turning: Turning | None = None,
    ) -> None:
        self._wrapper, self._inner, self._shape = wrapper, inner, shape
        #: Where the carrier's file goes on as another log.
        self.turning = turning or wrapper.turning
        #: The first line of another log since the carrier's last one.
        self._other: tuple[int, str] | None = None
        #: Who printed the last line of the log inside.
        self._origin: bytes | None = None
        self.form = WrappedForm(name, self._inner.form.always_answers)
        if hasattr(self._inner.form, "has_ends"):
            # syslog and the journal leave empty lines out.
            self._inner.form.has_ends = False
        self._data = b""
        self._base = position
        self._places = [Place(0, position, None)]
        #: Bytes of the program's log so far.
        self._length = 0
        self._newest: datetime | None = None
        self._is_lost = False
        #: What was told of turns in what is being read.
        self._told: list[Record] = []

    @property
    def resume_position(self) -> int:
        """From here reading must start again so that nothing is lost."""
        resume = self._inner.resume_position
        return self._base if resume >= self._length else self._place(resume).outer

    def feed(self, data: bytes) -> list[Record]:
        """Records that these bytes complete."""
        records = self._read(self._data + data)
        if len(self._data) > LONGEST_RECORD:
            if not self._is_lost:
                records.append(endless(self._base, self._data))
            self._base += len(self._data)
            self._data, self._is_lost = b"", True
        return records

    def end(self) -> list[Record]:
        """Records left when nothing more will come."""
        records = self._read(self._data + b"\n\n") if self._data else []
        return records + self._placed(self._inner.end())

    def _read(self, data: bytes) -> list[Record]:
        before, begin = self._newest, self._base
        records: list[Record] = []
        texts: list[bytes] = []
        for text in self._texts(data):
            texts.append(text)
            if self._told:
                # What was told stands behind what the lines above it gave.
                records += self._fed(texts) + self._told
                self._told = []
        self._data = data[self._base - begin :]
        records += self._fed(texts)
        if self.turning.turn is not None:
            at = len(records) - 1
            records[at:at] = self._placed(self._inner.end())
        if self._newest is not None and self._newest != before:
            records.append(Pulse(position=self.resume_position, at=self._newest))
        self._forget()
        return records

    def _fed(self, texts: list[bytes]) -> list[Record]:
        text = b"".join(texts)
        texts.clear()
        return self._placed(self._inner.feed(text)) if text else []

    def _texts(self, data: bytes) -> Iterator[bytes]:
        for record, size in self._wrapper.split(data):
            # The first line behind one that was too long is the rest of it.
            envelope = None if self._is_lost else self._wrapper.unwrap(record)
            if envelope is None and not self._is_lost and self._turns(record):
                yield b""
                return
            if self._told:
                yield b""
            self._is_lost = False
            if envelope is not None:
                self._other, self.turning.is_told = None, False
                if self._is_ours(envelope.text, record):
                    yield self._text(envelope, record)
            self._base += size

    def _turns(self, record: bytes) -> bool:
        """A line that is none of the carrier's: True where another log's is to be read."""
        line = record + b"\n"
        if self._other is None:
            found = self.turning.first(line, 0, len(line))
            self._other = found and (self._base, found[1])
        if self._other is None or not VERSION.search(line):
            return False
        self._told += self.turning.told(*self._other, self._newest, line[:SHOWN])
        return self.turning.note(*self._other)

    def _is_ours(self, text: bytes, record: bytes) -> bool:
        origin = self._wrapper.origin(record)
        if self._shape.match(ended(text)):
            self._origin = origin
        return origin == self._origin

    def _text(self, envelope: Envelope, record: bytes) -> bytes:
        self._places.append(Place(self._length, self._base, envelope.at))
        at, text = envelope.at, envelope.text
        if at is not None and (self._newest is None or at > self._newest):
            self._newest = at
        if not self._wrapper.goes_on(record):
            text = ended(text)
        self._length += len(text)
        return text

    def _place(self, position: int) -> Place:
        """The line that holds a byte of the program's log."""
        found = bisect_right(self._places, position, key=lambda place: place.inner)
        return self._places[max(found - 1, 0)]

    def _placed(self, records: list[Record]) -> list[Record]:
        placed = []
        for record in records:
            place = self._place(record.position)
            if isinstance(record, Pulse) and self._newest is not None:
                continue  # the carrier's own time tells how far was read
            if isinstance(record, Request) and not is_whole(record.raw):
                record = whole_or_half(record)
            at = place.at or record.at
            placed.append(record._replace(position=place.outer, at=at))
        return placed

    def _forget(self) -> None:
        """Lines that nothing can refer to any more."""
        resume = self._inner.resume_position
        first = bisect_right(self._places, resume, key=lambda place: place.inner) - 1
        del self._places[: max(first, 0)]


#: What can carry another log.
CARRIERS: tuple[Callable[[Stamps], Wrapper], ...] = (
    Cri,
    JsonLog,
    Syslog,
    JournalExport,
)
