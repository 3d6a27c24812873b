"""A carrier's log, read record by record until it shows that each record is a line.

Other programs may fill any part of such a file, so its first lines decide nothing. A record
that is nothing but a start line does: the lines above say whose log it is a line of, and from
the first of those on it is read line by line (see `carried`).
"""

from __future__ import annotations

from collections.abc import Callable

from registrations.formats.carried import Carried
from registrations.formats.once import Once
from registrations.formats.record import Pulse, Record
from registrations.formats.wrapped import WrappedReader

#: A message's announcement stands this near above it, other programs' lines between.
REACH = 64 * 1024


class MaybeLined:
    """Stands before a carrier's reader.

    `kind_of`: the name of the carried format whose line a line is. `carried`: its reader from
    a position on.
    """

    def __init__(
        self,
        wrapped: WrappedReader,
        reader: Once,
        kind_of: Callable[[bytes], str | None],
        carried: Callable[[str, int], Carried],
    ) -> None:
        self._wrapped, self._reader = wrapped, reader
        self._kind_of, self._carried = kind_of, carried
        #: What was read last, and where it ends.
        self._near, self._end = b"", wrapped.resume_position
        self._is_lined = False
        self._retry_at = 0

    @property
    def form(self):
        return self._reader.form

    @property
    def resume_position(self) -> int:
        """From here reading must start again so that nothing is lost."""
        return self._reader.resume_position

    def feed(self, data: bytes) -> list[Record]:
        """Records that these bytes complete."""
        records = self._reader.feed(data)
        if self._is_lined:
            return records
        self._end += len(data)
        if self._wrapped.start_alone is not None:
            records = self._turn(records, self._near + data)
        if not self._is_lined:
            self._near = (self._near + data[-REACH:])[-REACH:]
        return records

    def end(self) -> list[Record]:
        """Records left when nothing more will come."""
        records = self._reader.end()
        if not self._is_lined and self._wrapped.start_alone is not None:
            records = self._turn(records, self._near)
            if self._is_lined:
                records += self._reader.end()
        return records

    def _turn(self, records: list[Record], near: bytes) -> list[Record]:
        """Go on line by line where the lines show whose they are."""
        alone, self._wrapped.start_alone = self._wrapped.start_alone, None
        if alone < self._retry_at:
            return records
        begin = self._end - len(near)
        found = self._first_line(near, max(alone - begin, 0))
        if found is None:
            self._retry_at = alone + REACH
            return records
        name, at = found
        self._near, self._is_lined = b"", True
        self._reader = self._carried(name, begin + at)
        # What was read as a whole record stands as it is.
        before = [
            one
            for one in records
            if one.position < begin + at and not isinstance(one, Pulse)
        ]
        return before + self._reader.feed(near[at:])

    def _first_line(self, near: bytes, alone: int) -> tuple[str, int] | None:
        """The log that the nearest line above `alone` is of, and its first line in reach."""
        at = self._wrapped.wrapper.begin(near, max(alone - REACH, 0))
        first: dict[str, int] = {}
        name = None
        for record, size in self._wrapped.wrapper.split(near[at:alone]):
            kind = self._kind_of(record)
            if kind is not None:
                name = kind
                first.setdefault(kind, at)
            at += size
        return None if name is None else (name, first[name])
