"""A log that goes on in another format: where, and in which.

Nothing is looked for line by line: a start line that nothing of the own format announces, or
a line that only mentions one, is looked at, and the lines right above it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import chain, islice
from typing import NamedTuple

from registrations.formats.record import Pulse, Record
from registrations.formats.refused import turned

#: Formats without a shape of their own: they are read amid any lines.
TIMELESS = ("plain", "cat")
#: Programs whose own log has a prefix of its own to be known by. Amid lines of no known kind
#: these alone are another log: there is no way back to one without a shape.
PRINTED = ("flexisip", "kamailio", "asterisk", "linphone", "opensips", "sofia")
#: Lines between what names a log and its start line (sofia-sip prints dashes).
ABOVE = 3
#: What a message depends on stands this near above it (Flexisip, chan_sip).
REACH = 64 * 1024

NOTHING = re.compile(rb"(?!)")

KindOf = Callable[[bytes], str | None]


class Turn(NamedTuple):
    """`position`: of the line that shows the format `name`. `ended`: behind the last message
    of the format before; nothing above it is looked at.
    """

    position: int
    name: str
    ended: int


def carrier_of(name: str) -> str:
    """The name of a format without that of the log it carries."""
    return name.partition("+")[0]


def other_kind(
    line: bytes, own: str, prefix: re.Pattern[bytes] | None, kind_of: KindOf
) -> str | None:
    """The format that a line shows, where it is another than `own`; `prefix`: of that."""
    name = kind_of(line)
    if name is None or name in TIMELESS or carrier_of(name) == own:
        return None
    if own in TIMELESS and name not in PRINTED:
        return None
    is_own = prefix is not None and prefix.match(line) is not None
    return None if is_own and own != "plain" else name


class Turning:
    """Notes the turns of one reader's log; `own`, `prefix`: of its format.

    `shapes`: matches nearly all lines that `kind_of` has a name for, and is sooner done.
    `ended`: the position behind the last message, where lines above a turn may be of the other
    log. `turn`: where the log turned, once somebody wants to know: nothing is read behind it.
    """

    def __init__(
        self,
        own: str,
        prefix: re.Pattern[bytes] | None,
        kind_of: KindOf = lambda line: None,
        shapes: re.Pattern[bytes] = NOTHING,
        ended: Callable[[], int] | None = None,
    ) -> None:
        self._own, self.prefix, self._kind_of = own, prefix, kind_of
        self._shape, self.ended = shapes.match, ended
        self._line = re.compile(rb"\n(?=" + shapes.pattern + rb")").finditer
        self.turn: Turn | None = None
        #: A turn was told, and nothing of the own format was read since.
        self.is_told = False
        #: Somebody reads on behind a turn.
        self.stops = False

    def told(
        self, position: int, other: str, newest: datetime | None, raw: bytes
    ) -> list[Record]:
        """What to say of a turn: how far the log was read, and that it turned."""
        if self.is_told:
            return []
        pulses = [] if newest is None else [Pulse(position, newest)]
        return [*pulses, turned(position, raw, self._own, other)]

    def note(self, position: int, name: str) -> bool:
        """The log turned; True to stop there."""
        self.is_told = True
        if self.stops and self.turn is None:
            ended = self.ended() if self.ended else position
            self.turn = Turn(position, name, ended)
        return self.stops

    def under(self, data: bytes, at: int, start: int) -> tuple[int, str] | None:
        """The line `data[at:start]` right above a start line, where it is of another log."""
        if at == start or (self._own in TIMELESS and not self.stops):
            return None
        other = self._other(data[at:start])
        return other and (at, other)

    def around(
        self, data: bytes, floor: int, start: int, end: int
    ) -> tuple[int, str] | None:
        """The same of a line that is none of the own log's and mentions a start line, or of
        one right above it.
        """
        if self._own in TIMELESS:
            return None
        for at, stop in islice(lines_above(data, floor, end), 1 + ABOVE):
            line = data[at:stop]
            if at < start and self.prefix is not None and self.prefix.match(line):
                return None
            other = self._other(line)
            if other is not None:
                return at, other
        return None

    def first(self, data: bytes, start: int, end: int) -> tuple[int, str] | None:
        """The first line of another log among the lines from `start` to `end`."""
        places = [start] if self._shape(data, start, end) else []
        for at in chain(places, self._begins(data, start, end)):
            line_end = data.find(b"\n", at, end) + 1
            other = self._other(data[at:line_end]) if line_end else None
            if other is not None:
                return at, other
        return None

    def _begins(self, data: bytes, start: int, end: int) -> Iterator[int]:
        return (found.start() + 1 for found in self._line(data, start, end))

    def _other(self, line: bytes) -> str | None:
        return other_kind(line, self._own, self.prefix, self._kind_of)


def line_above(data: bytes, floor: int, start: int) -> tuple[int, bytes]:
    """Where the line above begins, and it; a CRLF may stand between (RFC 3261 §7.5)."""
    if start <= floor:
        return start, b""
    at = data.rfind(b"\n", floor, start - 1) + 1 or floor
    line = data[at:start]
    while at > floor and line.isspace():
        end, at = at, data.rfind(b"\n", floor, at - 1) + 1 or floor
        line = data[at:end]
    return at, line


def first_above(data: bytes, floor: int, start: int) -> int:
    """Where the lines begin that may say whose the line at `start` is."""
    at, lines = line_above(data, floor, start)[0], lines_above(data, floor, start)
    return min([at, *(begin for begin, _ in islice(lines, ABOVE))])


def lines_above(data: bytes, floor: int, end: int) -> Iterator[tuple[int, int]]:
    """Begin and end of the lines that end at `end`, the last one first."""
    while end > floor:
        start = data.rfind(b"\n", floor, end - 1) + 1 or floor
        yield start, end
        end = start


def shown_above(
    data: bytes, end: int, is_own: Callable[[bytes], bool], kind_of: KindOf
) -> Iterator[tuple[int, str]]:
    """Where the lines above `end` begin that show a kind of log, and which, the last one
    first: near it, and below the last line of the own log.
    """
    for start, line_end in lines_above(data, max(0, end - REACH), end):
        line = data[start:line_end]
        if is_own(line):
            return
        kind = kind_of(line)
        if kind is not None and kind not in TIMELESS:
            yield start, kind
