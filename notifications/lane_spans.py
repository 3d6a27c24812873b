"""From when to when the lanes of a device are, and the moments written above them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext

from notifications.clocks import Clock, WrongClock, read_clock
from notifications.ranges import range_of

SPANS = {"6h": timedelta(hours=6), "24h": timedelta(hours=24), "7d": timedelta(days=7)}
#: No shorter stretch is drawn.
SHORTEST = timedelta(seconds=30)
#: Of these the first that gives at most `MOST_TICKS`.
STEPS = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 21600, 86400)
)
MOST_TICKS = 12
#: A time that somebody types is remembered, not measured: so much is shown on both sides.
BESIDE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """What is drawn: `span` until now, or a part that was zoomed into ("" then)."""

    since: datetime
    until: datetime
    span: str

    @property
    def words(self) -> str:
        """A part, by the reader's clock: `14:02:00 to 14:20:00`."""
        since, until = localtime(self.since), localtime(self.until)
        form = "H:i:s" if since.date() == until.date() else "j M H:i:s"
        told = {"since": date_format(since, form), "until": date_format(until, form)}
        return gettext("%(since)s to %(until)s") % told

    @property
    def step(self) -> timedelta:
        """From one tick to the next."""
        length = self.until - self.since
        fits = (step for step in STEPS if length / step <= MOST_TICKS)
        return next(fits, STEPS[-1])

    @property
    def ticks(self) -> list[tuple[datetime, str]]:
        """Round moments by the reader's clock, with their words."""
        start, step = localtime(self.since), self.step
        midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
        first = midnight + ((start - midnight) // step + 1) * step
        number = int((self.until - first) / step) + 1
        form = "j M" if step.days else "H:i" if step.seconds >= 60 else "H:i:s"
        moments = (first + place * step for place in range(number))
        return [(moment, date_format(moment, form)) for moment in moments]


def stretch_of(asked, now: datetime) -> Stretch:
    """What an address asks for: `at`, or `from` and `to`, or a span, or the usual one."""
    clock, _ = clock_of(asked)
    if clock is not None:
        named = clock.stretch(now)
        since, until = named.since - BESIDE, min(named.until + BESIDE, now)
        if until - since >= SHORTEST:
            since = max(since, until - SPANS["7d"])
            return Stretch(since=since, until=until, span="")
    found = range_of(asked)
    until = min(found.until or now, now)
    if found.since and not found.faults and until - found.since >= SHORTEST:
        since = max(found.since, until - SPANS["7d"])
        return Stretch(since=since, until=until, span="")
    span = asked.get("span", "")
    span = span if span in SPANS else "6h"
    return Stretch(since=now - SPANS[span], until=now, span=span)


def clock_of(asked) -> tuple[Clock | None, str]:
    """The time that `at` of an address names, and what is wrong with it."""
    text = asked.get("at", "").strip()
    try:
        found = read_clock(text)
    except WrongClock as wrong:
        return None, f"{text}: {wrong}"
    if found is not None or not text:
        return found, ""
    told = gettext(
        "%(text)s is no time: write it as 14:02, 14:02..14:30 or %(example)s"
    )
    return None, told % {"text": text, "example": "2026-11-29T14:02"}
