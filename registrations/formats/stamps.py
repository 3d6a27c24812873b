"""Time stamps that say too little: no zone, no year. What is missing is a setting."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone, tzinfo

#: How many lines back from the end of what was read the newest time stamp is looked for.
LINES_BACK = 50
MONTHS = {
    name: number
    for number, name in enumerate(
        b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), start=1
    )
}
#: `Nov 23 19:51:41`, with fractions or not (RFC 3164 §4.1.2).
WITHOUT_YEAR = re.compile(
    rb"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +(\d{1,2}) "
    rb"(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,6}))?"
)
#: `2026-11-23T19:51:41.377040+00:00` and its looser relatives; the zone may be missing.
ISO = re.compile(
    rb"(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,:](\d{1,9}))?"
    rb"(?: ?(Z|[+-]\d\d:?\d\d))?"
)
UTC_NAMES = {"UTC": UTC, "GMT": UTC}


class Years:
    """The years of a log's stamps that name none, as it is read: the first stamp is of the
    year `first`, each other one of the year that puts it nearest to the `newest` before it.
    So a log goes on over New Year.
    """

    def __init__(self, first: int, newest: datetime | None = None) -> None:
        self._first, self._newest = first, newest

    def moment(self, of_year: Callable[[int], datetime | None]) -> datetime | None:
        """`of_year`: the stamp in a year, None where that has no such day."""
        newest = self._newest
        if newest is None:
            found = of_year(self._first)
        else:
            near = (of_year(newest.year + years) for years in (0, -1, 1))
            there = (at for at in near if at is not None)
            found = min(there, key=lambda at: abs(at - newest), default=None)
        if found is not None:
            self._newest = found if newest is None else max(newest, found)
        return found


@dataclass(frozen=True, slots=True)
class Stamps:
    """`zone`: of stamps that name none (None: this machine's own).

    `years`: of stamps that name none. Without it one has the newest year that puts it not
    after `latest`, the latest moment a stamp can have, asked anew for each, and `guessed`
    has that year. Where nothing tells, such a stamp stays unknown. `unknown`: abbreviations
    of zones that `zone` did not have at that time; their moments stay unknown.
    """

    zone: tzinfo | None = None
    latest: Callable[[], datetime] | None = None
    years: Years | None = None
    guessed: set[int] = field(default_factory=set, compare=False)
    unknown: set[str] = field(default_factory=set, compare=False)

    def at(self, *parts: int, zone: tzinfo | None = None) -> datetime | None:
        """Year, month, day, hour, minute, second, microsecond → UTC; None if impossible."""
        try:
            return datetime(*parts, tzinfo=zone or self.zone).astimezone(UTC)
        except (ValueError, OverflowError):
            return None

    def without_year(self, found: re.Match[bytes]) -> datetime | None:
        """The moment of a `WITHOUT_YEAR` match."""
        rest = _behind_year(found)
        if self.years is not None:
            return self.years.moment(lambda year: self.at(year, *rest))
        if self.latest is None:
            return None
        latest = self.latest()
        # 29 February is the farthest a stamp can be from a year that has it.
        for year in range(latest.year + 1, latest.year - 8, -1):
            moment = self.at(year, *rest)
            if moment is not None and moment <= latest:
                self.guessed.add(year)
                return moment
        return None

    def of_year(self, year: int, found: re.Match[bytes]) -> datetime | None:
        """The moment of a `WITHOUT_YEAR` match where the year is known."""
        return self.at(year, *_behind_year(found))

    def iso(self, found: re.Match[bytes], name: str | None = None) -> datetime | None:
        """The moment of an `ISO` match. `name`: the abbreviation of its zone (`CET`)."""
        parts = [*map(int, found.groups()[:6]), micro(found[7])]
        if name is None or found[8] is not None:
            return self.at(*parts, zone=zone_of(found[8]))
        zone = zone_of(f"{name}00".encode()) if name[0] in "+-" else UTC_NAMES.get(name)
        return self.at(*parts, zone=zone) if zone else self._abbreviated(parts, name)

    def _abbreviated(self, parts: list[int], name: str) -> datetime | None:
        """The moment that has this abbreviation in the zone of the setting: it tells the two
        hours apart that a clock set back shows twice. Of another zone's it is not known
        which one is meant: `CST` is a name of three.
        """
        for fold in (0, 1):
            try:
                local = datetime(*parts, tzinfo=self.zone, fold=fold)
                aware = local if self.zone else local.astimezone()
                if aware.tzname() == name:
                    return aware.astimezone(UTC)
            except (ValueError, OverflowError):
                return None
        self.unknown.add(name)
        return None


def _behind_year(found: re.Match[bytes]) -> list[int]:
    month, *numbers = found.groups()[:5]
    return [MONTHS[month], *map(int, numbers), micro(found[6])]


def micro(digits: bytes | None) -> int:
    """The fraction of a second in microseconds."""
    return int((digits or b"").ljust(6, b"0")[:6])


def zone_of(text: bytes | None) -> tzinfo | None:
    """`Z`, `+01:00` or `+0100` as a zone; None where there is none."""
    if text is None:
        return None
    if text == b"Z":
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    if offset >= timedelta(days=1):
        return None
    return timezone(-offset if text[:1] == b"-" else offset)


def newest_in(
    data: bytes, floor: int, end: int, moment: Callable[[bytes], datetime | None]
) -> datetime | None:
    """The newest time of the last whole lines between `floor` and `end`."""
    moments = []
    for _ in range(LINES_BACK):
        start = data.rfind(b"\n", 0, max(end - 1, 0)) + 1
        if start >= end or start < floor:
            break
        moments.append(moment(data[start:end]))
        end = start
    return max((at for at in moments if at is not None), default=None)
