"""A moment or a span as a clock tells it: `14:02`, `2026-11-29T14:02..14:30`. Pure.

It is by the reader's clock. A time without a day is the newest one that has begun.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.utils import timezone
from django.utils.translation import gettext

from notifications.ranges import FIRST, LAST, Range

DAY = timedelta(days=1)
#: An end of a span: a day, a time, or both; the time to the minute or to the second.
END = re.compile(
    r"(?:(\d{4}-\d\d-\d\d)(?:T(?=\d)|$))?(?:(\d{1,2}):(\d\d)(?::(\d\d))?)?"
)


class WrongClock(ValueError):
    """A text that looks like a time and is none; the text says why."""


@dataclass(frozen=True, slots=True)
class End:
    """One end of a span. `length`: the day, minute or second it names."""

    day: date | None
    time: time
    length: timedelta

    def on(self, day: date, fold: int = 0) -> datetime:
        """Its beginning in UTC, of the day it names, else of the one given. `fold`: of an hour
        that comes twice, which.
        """
        zone = timezone.get_current_timezone()
        by_clock = datetime.combine(self.day or day, self.time, zone)
        return by_clock.replace(fold=fold).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """From the beginning of `first` to the end of `last`, which belongs to it."""

    first: End
    last: End

    def stretch(self, now: datetime) -> Range:
        """From when to when it is."""
        day = self._day(now)
        is_over_midnight = self.last.day is None and self._ends(day) <= self._begins(
            day
        )
        since = self.first.on(day)
        last = self.last.on(day + DAY if is_over_midnight else day, fold=1)
        until = last + self.last.length
        # Where the clocks go forward an end may come before a beginning that never was.
        return Range(since, until if until > since else since + self.last.length)

    @property
    def is_backwards(self) -> bool:
        """It names two days, and ends before it begins."""
        day = self.last.day
        return day is not None and self._ends(day) <= self._begins(day)

    def _day(self, now: datetime) -> date:
        today = timezone.localtime(now).date()
        if self.first.day is not None:
            return self.first.day
        return today if self.first.on(today) <= now else today - DAY

    def _begins(self, day: date) -> datetime:
        return datetime.combine(self.first.day or day, self.first.time, UTC)

    def _ends(self, day: date) -> datetime:
        last = datetime.combine(self.last.day or day, self.last.time, UTC)
        return last + self.last.length


def read_clock(text: str) -> Clock | None:
    """What a text names, None for one that looks like no time. Raises WrongClock."""
    first, dots, last = text.upper().partition("..")
    begins = _read(first)
    ends = _read(last) if dots else begins
    if begins is None or ends is None:
        return None
    if begins.day is None and ends.day is not None:
        told = gettext("wants the day in front, as %(example)s")
        raise WrongClock(told % {"example": "2026-11-29T14:02..14:30"})
    found = Clock(begins, ends)
    if found.is_backwards:
        raise WrongClock(gettext("ends before it begins"))
    return found


def _read(text: str) -> End | None:
    found = END.fullmatch(text)
    if not text or found is None:
        return None
    written, hour, minute, second = found.groups()
    try:
        day = date.fromisoformat(written) if written else None
        at = time(int(hour or 0), int(minute or 0), int(second or 0))
    except ValueError:
        told = gettext("knows no time %(text)s")
        raise WrongClock(told % {"text": text}) from None
    # In every zone it is a moment that can be told.
    if day is not None and not FIRST.date() < day < LAST.date():
        told = gettext("takes days from %(first)s to %(last)s")
        ends = {"first": FIRST.date() + DAY, "last": LAST.date() - DAY}
        raise WrongClock(told % ends)
    return End(day, at, _length(hour, second))


def _length(hour: str | None, second: str | None) -> timedelta:
    if hour is None:
        return DAY
    return timedelta(seconds=1) if second else timedelta(minutes=1)


def around(clocks: Iterable[Clock], now: datetime) -> Range:
    """From the first beginning to the last end of some; open where there are none."""
    stretches = [clock.stretch(now) for clock in clocks]
    if not stretches:
        return Range()
    return Range(
        min(one.since for one in stretches), max(one.until for one in stretches)
    )
