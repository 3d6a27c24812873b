"""Reads a log on where it turns into another format: a server was exchanged for another.

The turn is told (`Turned`), and from the line that shows it on the other format's reader
reads. What it needs of the lines above is kept for it, and no more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from registrations.formats.carried import CARRIERS
from registrations.formats.cutting import LONGEST_MESSAGE
from registrations.formats.kinds import BY_NAME, AnyLogReader, kind_of
from registrations.formats.record import Pulse, Record, Turned
from registrations.formats.refused import TURNED
from registrations.formats.stamps import Stamps
from registrations.formats.turning import REACH, Turn, carrier_of, shown_above
from registrations.formats.xlog import Template

#: Bytes kept of what was read: a turn shows in the second line of another log at the latest.
KEPT = REACH + 2 * LONGEST_MESSAGE
#: Behind a turn so much is read at once: the next one may be near.
STEP = 16 * 1024
HEADERS = {carrier.name: carrier.header for carrier in CARRIERS}


class Onward:
    """Stands before the reader of whatever format the log has where it is read."""

    def __init__(
        self, name: str, stamps: Stamps, template: Template, position: int
    ) -> None:
        self._make: Callable[[str, int], AnyLogReader] = lambda name, position: BY_NAME[
            name
        ].make(stamps, template, position)
        #: What was read last, in the pieces it came in, and where they begin and end.
        self._near: deque[bytes] = deque()
        self._begin = self._end = position
        self._turned_at = position - 1
        self._read_with(name, position)

    @property
    def form(self):
        return self._reader.form

    @property
    def resume_position(self) -> int:
        """From here reading must start again so that nothing is lost: the lines above may be
        another log's, and what comes of it depend on them.
        """
        position, ended = self._reader.resume_position, self._reader.turning.ended
        if ended is None:
            return position
        floor = min(max(ended(), self._turned_at + 1, self._begin), position)
        above = b"".join(self._near)[floor - self._begin : position - self._begin]
        shown = shown_above(above, len(above), self._is_own, kind_of)
        return floor + min((start for start, _ in shown), default=len(above))

    def feed(self, data: bytes) -> list[Record]:
        """Records that these bytes complete."""
        self._near.append(data)
        self._end += len(data)
        records = self._reader.feed(data)
        if self._reader.turning.turn is not None:
            records = self._read_on(records)
        near = self._near
        while self._end - self._begin - len(near[0]) > KEPT:
            self._begin += len(near.popleft())
        return records

    def end(self) -> list[Record]:
        """Records left when nothing more will come."""
        records = self._reader.end()
        while self._reader.turning.turn is not None:
            records = self._read_on(records)
            records += self._reader.end()
        return records

    def _read_with(self, name: str, position: int) -> None:
        self._name, self._reader = name, self._make(name, position)
        self._reader.turning.stops = True

    def _read_on(self, records: list[Record]) -> list[Record]:
        """The records before the turn, the turn, and those behind it."""
        near = b"".join(self._near)
        while (turn := self._reader.turning.turn) is not None:
            form = self._reader.form
            records = _with_turn(records, form.name, turn.name, form.always_answers)
            at = self._line(turn, near)
            self._read_with(turn.name, self._begin + at)
            self._turned_at = turn.position
            for begin in range(at, len(near), STEP):
                records += self._reader.feed(near[begin : begin + STEP])
                if self._reader.turning.turn is not None:
                    break
        return records

    def _line(self, turn: Turn, near: bytes) -> int:
        """The index from which the other reader reads."""
        position = turn.position - self._begin
        if turn.position <= self._turned_at:
            return near.find(b"\n", position) + 1 or len(near)
        floor = max(turn.ended, self._turned_at + 1, self._begin) - self._begin
        if floor >= position:
            return position
        above = near[floor : near.find(b"\n", position) + 1]
        end = position - floor
        shown = shown_above(above, end, self._is_own, kind_of)
        of_it = (at for at, kind in shown if turn.name in (kind, carrier_of(kind)))
        return floor + min(of_it, default=end)

    def _is_own(self, line: bytes) -> bool:
        header = HEADERS.get(carrier_of(self._name))
        return (header or BY_NAME[self._name].shape).match(line) is not None


def _with_turn(
    records: list[Record], own: str, other: str, always_answers: bool
) -> list[Record]:
    """The records up to the turn, which says what is to know of it."""
    kept: list[Record] = []
    for record in records:
        if getattr(record, "rule", "") == TURNED and not isinstance(record, Turned):
            kept.append(Turned(*record, own, other, always_answers))
            return kept
        kept.append(record)
    return [one for one in kept if not isinstance(one, Pulse)]
