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
from registrations.formats.turning import Turning
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
        #: Where the newest record stands that was handed out: nothing before it is read again.
        self._told = -1
        self._retry_at = 0

    @property
    def form(self):
        return self._reader.form

    @property
    def turning(self) -> Turning:
        return self._reader.turning

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
        records = self._turned(records, self._near + data)
        if not self._is_lined:
            self._near = (self._near + data[-REACH:])[-REACH:]
            self._note(records)
        return records

    def end(self) -> list[Record]:
        """Records left when nothing more will come."""
        records = self._reader.end()
        if not self._is_lined:
            records = self._turned(records, self._near)
            if self._is_lined:
                records += self._reader.end()
        return records

    def _turned(self, records: list[Record], near: bytes) -> list[Record]:
        """Go on line by line where the lines show whose they are."""
        starts, self._wrapped.starts_alone = self._wrapped.starts_alone, []
        for alone in starts:
            # What was read as a whole record stands as it is.
            before = [one for one in records if one.position < alone]
            self._note(before)
            found = self._first_line(near, alone) if alone >= self._retry_at else None
            if found is not None:
                name, at = found
                self._near, self._is_lined = b"", True
                stops = self.turning.stops
                self._reader = self._carried(name, self._end - len(near) + at)
                self.turning.stops = stops
                told = [one for one in before if not isinstance(one, Pulse)]
                return told + self._reader.feed(near[at:])
            self._retry_at = max(self._retry_at, alone + REACH)
        return records

    def _note(self, records: list[Record]) -> None:
        places = [one.position for one in records if not isinstance(one, Pulse)]
        self._told = max(places, default=self._told)

    def _first_line(self, near: bytes, alone: int) -> tuple[str, int] | None:
        """The log that the nearest line above `alone` is of, and the index in `near` of
        its first line in reach.
        """
        begin = self._end - len(near)
        at = max(alone - REACH, self._told + 1, begin) - begin
        at = self._wrapped.wrapper.begin(near, at)
        first: dict[str, int] = {}
        name = None
        for record, size in self._wrapped.wrapper.split(near[at : alone - begin]):
            kind = self._kind_of(record)
            if kind is not None:
                name = kind
                first.setdefault(kind, at)
            at += size
        return None if name is None else (name, first[name])
