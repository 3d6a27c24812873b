"""Logs that wrap another program's record in a line or a block of their own: syslog, the
journal, JSON, packet printers. A wrapper says where a record begins and ends and what text is
inside; the text is then read like any log.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from registrations.formats.reader import MENTION, Reader
from registrations.formats.record import Brief, Pulse, Record, Request
from registrations.formats.refused import SHOWN, endless
from registrations.formats.stamps import LINES_BACK
from registrations.formats.text import Text
from registrations.formats.torn import whole_or_half
from registrations.formats.turning import Turning
from registrations.formats.xlog import Template

#: A wrapped record may be longer than what is in it: escapes, indents, JSON.
LONGEST_RECORD = 1024 * 1024
#: A record with nothing but a start line: what is inside has a record a line.
ALONE = re.compile(rb"\s*(?:[A-Z]+ +\S+ +SIP/2\.0|SIP/2\.0 \d{3}[^\r\n]*)\s*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What one record of the outer log says: `text` is what was wrapped.

    `source` is `udp:host:port` where the outer log knows the sender; `received` False for
    what this host sent.
    """

    text: bytes
    at: datetime | None = None
    source: str | None = None
    received: bool = True


class Wrapper:
    """One outer log shape."""

    name = ""
    #: Text that must stand in a record worth unwrapping.
    markers: tuple[bytes, ...] = (MENTION, *Text.markers)
    #: Matches where a record begins.
    header: re.Pattern[bytes]
    #: The same behind a line end.
    boundary: re.Pattern[bytes]
    #: Knows lines of other logs, which end a record too.
    turning: Turning = Turning("", None)

    #: The empty line behind a message's headers is printed, so one without it was cut off.
    has_ends = False

    def __init_subclass__(cls) -> None:
        cls.boundary = re.compile(
            rb"\n(?=" + cls.header.pattern + rb")", cls.header.flags
        )

    def is_one_line(self, line: bytes) -> bool:
        """True when the record that begins with this line also ends with it."""
        return True

    def end(self, data: bytes, start: int, marker: int, *, is_last: bool) -> int | None:
        """Behind the record around `marker`; None while it may go on."""
        line_end = data.find(b"\n", marker) + 1
        if line_end and self.is_one_line(data[start:line_end]):
            return line_end
        found = self.boundary.search(data, max(marker - 1, start))
        limit = len(data) if found is None else found.start() + 1
        if line_end and (other := self.turning.first(data, line_end, limit)):
            return other[0]
        return limit if found is not None or is_last else None

    def begin(self, data: bytes, at: int) -> int:
        """Where the first record from `at` on begins."""
        if self.header.match(data, at):
            return at
        found = self.boundary.search(data, at)
        return found.start() + 1 if found else len(data)

    def split(self, data: bytes) -> Iterator[tuple[bytes, int]]:
        """The whole records that `data` begins with, and the bytes that each has there."""
        for line in data.split(b"\n")[:-1]:
            yield line, len(line) + 1

    def origin(self, record: bytes) -> bytes:
        """Who printed a record."""
        raise NotImplementedError

    def goes_on(self, record: bytes) -> bool:
        """True where the line inside goes on in the next record."""
        return False

    def unwrap(self, record: bytes) -> Envelope | None:
        """The text inside, or None where there is none."""
        raise NotImplementedError

    def moment(self, line: bytes) -> datetime | None:
        """The time a record's first line begins with."""
        return None


@dataclass(frozen=True, slots=True)
class WrappedForm:
    """What intake asks of a format."""

    name: str
    always_answers: bool = False


class WrappedReader:
    """Finds the records of a wrapper that may matter, and reads what is inside them."""

    def __init__(
        self,
        wrapper: Wrapper,
        position: int = 0,
        template: Template | None = None,
        turning: Turning | None = None,
    ) -> None:
        template = template or Template()
        self.wrapper = wrapper
        #: Where the log goes on in another format.
        self.turning = wrapper.turning = turning or wrapper.turning
        self._markers = (*wrapper.markers, template.marker)
        self.form = WrappedForm(wrapper.name)
        text = Text(template)
        text.has_ends = wrapper.has_ends
        self._inner = Reader(text)
        self._data = b""
        self._base = position
        self._at = 0
        #: Where each marker stands next in what we have; none of those that stand nowhere.
        self._marks: dict[bytes, int] = {}
        #: In a line that is too long, up to its end.
        self._is_lost = False
        self._newest: datetime | None = None
        #: Where records stand that were nothing but a start line.
        self.starts_alone: list[int] = []

    @property
    def resume_position(self) -> int:
        """From here reading must start again so that nothing is lost."""
        return self._base + self._at

    def feed(self, data: bytes) -> list[Record]:
        """Records that these bytes complete."""
        self._data = self._data[self._at :] + data
        self._base += self._at
        self._at = 0
        found = ((marker, self._data.find(marker)) for marker in self._markers)
        self._marks = {marker: at for marker, at in found if at >= 0}
        return self._records(is_last=False)

    def end(self) -> list[Record]:
        """Records left when nothing more will come."""
        return self._records(is_last=True)

    def _records(self, *, is_last: bool) -> list[Record]:
        records: list[Record] = []
        before = self._newest
        while (bounds := self._next(records, is_last)) is not None:
            start, end = bounds
            read = self._read(start, end)
            self.turning.is_told = self.turning.is_told and not read
            self._at = end
            self._is_lost = end - start == LONGEST_RECORD
            if self._is_lost and not read:
                read = [endless(self._base + start, self._data[start:end])]
            records += read
        if self._newest is not None and self._newest != before:
            records.append(Pulse(position=self.resume_position, at=self._newest))
        return records

    def _next(self, records: list[Record], is_last: bool) -> tuple[int, int] | None:
        """Where the next record that may matter begins and ends: of one that is too long, its
        beginning.
        """
        if self._is_lost and not self._found():
            return None
        marker = self._next_marker()
        if marker is None:
            self._skip(records, is_last)
            return None
        start = self._start(marker)
        turn = self._turned(start, marker)
        if turn is not None and turn[0] > start:
            return start, turn[0]
        if turn is not None and self._turns(*turn, marker, records):
            return None
        end = self.wrapper.end(self._data, start, marker, is_last=is_last)
        if (end or len(self._data)) - start >= LONGEST_RECORD:
            return start, start + LONGEST_RECORD
        if end is None:
            self._at = start
            return None
        return start, end

    def _turned(self, start: int, marker: int) -> tuple[int, str] | None:
        """The first line of another log from `start` to the line of a marker."""
        data = self._data
        if data.find(b"\n", start, marker) < 0 and self.wrapper.header.match(
            data, start
        ):
            return None
        end = data.find(b"\n", marker) + 1
        return self.turning.first(data, start, end) if end else None

    def _turns(self, at: int, other: str, marker: int, records: list[Record]) -> bool:
        """The log turned at `at`; True to stop there."""
        raw = self._data[at : self._data.find(b"\n", marker) + 1][:SHOWN]
        position = self._base + at
        records += self.turning.told(position, other, self._newest, raw)
        return self.turning.note(position, other)

    def _next_marker(self) -> int | None:
        """Each marker is looked for once in all that we have: most stand far off."""
        for marker, at in list(self._marks.items()):
            if at < self._at:
                self._marks[marker] = at = self._data.find(marker, self._at)
                if at < 0:
                    del self._marks[marker]
        return min(self._marks.values(), default=None)

    def _found(self) -> bool:
        """Behind what was too long reading goes on at the next line."""
        line = self._data.find(b"\n", self._at) + 1
        self._is_lost = line == 0
        self._at = line or len(self._data)
        return line > 0

    def _start(self, marker: int) -> int:
        """The begin of the record around an index."""
        start = self._data.rfind(b"\n", self._at, marker) + 1 or self._at
        while start > self._at and not self.wrapper.header.match(self._data, start):
            start = self._data.rfind(b"\n", self._at, start - 1) + 1 or self._at
        return start

    def _skip(self, records: list[Record], is_last: bool) -> None:
        """Nothing here matters but the time: go on at the line that is not whole."""
        end = len(self._data) if is_last else self._data.rfind(b"\n") + 1
        # The newest record may go on, with a marker in what is still to come.
        start = max(self._start(end - 1), self._at) if end > self._at else self._at
        self._note(self._last_moment(self._at, end))
        self._at = end if is_last else start
        if len(self._data) - self._at > LONGEST_RECORD:
            # Longer than any record: forget it, go on at the next line.
            line = self._data.rfind(b"\n", self._at) + 1
            if line == 0:
                at, begin = self._base + self._at, self._data[self._at :]
                records.append(endless(at, begin))
                self._is_lost = True
            self._at = line or len(self._data)

    def _read(self, start: int, end: int) -> list[Record]:
        envelope = self.wrapper.unwrap(self._data[start:end])
        if envelope is None:
            self._note(self._last_moment(start, end))
            return []
        self._note(envelope.at)
        if ALONE.match(envelope.text):
            self.starts_alone.append(self._base + start)
            return []
        is_open = not envelope.text.endswith((b"\r", b"\n"))
        inner = self._inner.feed(envelope.text + b"\n" * is_open) + self._inner.end()
        if is_open:
            inner = [whole_or_half(record) for record in inner]
        position = self._base + start
        placed = [_placed(record, envelope, position) for record in inner]
        return [record for record in placed if record is not None]

    def _last_moment(self, start: int, end: int) -> datetime | None:
        for _ in range(LINES_BACK):
            line = self._data.rfind(b"\n", start, max(end - 1, start)) + 1 or start
            moment = self.wrapper.moment(self._data[line:end]) if line < end else None
            if moment is not None or line <= start:
                return moment
            end = line
        return None

    def _note(self, at: datetime | None) -> None:
        if at is not None and (self._newest is None or at > self._newest):
            self._newest = at


def _placed(record: Record, envelope: Envelope, position: int) -> Record | None:
    """The inner record where the outer log has it; None for what is no record there."""
    if isinstance(record, Pulse):
        return None
    at = envelope.at or record.at
    if isinstance(record, Request | Brief):
        if not envelope.received:
            return None
        source = envelope.source or record.source
        return record._replace(position=position, at=at, source=source)
    return record._replace(position=position, at=at)
