"""The two charts of the live page, laid out for SVG: x in percent, heights in pixels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Aggregate, Count, Q, QuerySet, Sum
from django.db.models.functions import TruncMinute
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications.at_once import COUNTED
from notifications.models import Call, Push

HEIGHT = 136
SLOTS = 60
#: The bars stand right of the numbers, and below the topmost one: percent, pixels.
GUTTER, HEADROOM = 4.5, 10
SPANS = {"1h": timedelta(hours=1), "6h": timedelta(hours=6), "24h": timedelta(days=1)}
#: What a bar is stacked of, from below: key, tone, legend.
SERIES = (
    ("woken", "ok", _("Woken")),
    ("remote", "info", _("Remote, accepted")),
    ("asleep", "warn", _("Accepted, app did not wake")),
    ("rejected", "bad", _("Rejected by APNs")),
    ("held", "mute", _("Held by protect mode")),
)
#: What a verdict or the state of a push counts for.
SERIES_OF = {
    "handled": "woken",
    "unhandled": "asleep",
    "accepted": "remote",
    "rejected": "rejected",
    "held": "held",
}
#: Shown only where there is something of it.
RARE = {"held"}
#: Upper ends of the wake-time bins, in seconds.
BINS = (1, 2, 3, 5, 10, 30)
LABELS = {"none": _("none")}


#: A minute, what the pushes count for, how many there were.
Minute = tuple[datetime, str, int]
#: Pushes that left so long ago hardly change any more; how long their counts are kept.
STILL, KEEP = timedelta(minutes=15), timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Kept:
    """The minutes of a span before `until`, as they were counted `at` a moment."""

    at: datetime
    until: datetime
    minutes: list[Minute]


#: By span, in this process.
_kept: dict[str, Kept] = {}


@dataclass(frozen=True, slots=True)
class Bar:
    """One rectangle."""

    x: float
    width: float
    y: float
    height: float
    tone: str
    number: int
    label: str

    @property
    def middle(self) -> float:
        """Where a label stands."""
        return round(self.x + self.width / 2, 2)

    @property
    def above(self) -> float:
        """Where its number stands."""
        return round(self.y - 6, 1)


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Pushes over time: bars, totals of the legend, rows of the table."""

    span: str
    bars: list[Bar]
    legend: list[tuple[str, str, int]]
    rows: list[tuple[datetime, list[int]]]
    #: (y, number) of the grid lines, (x, moment, is it left out on a phone) of the times.
    levels: list[tuple[float, int]]
    times: list[tuple[float, datetime, bool]]
    since: datetime
    until: datetime
    slots: int = SLOTS
    gutter: float = GUTTER


@dataclass(frozen=True, slots=True)
class WakeTimes:
    """How long phones took to wake, and how many did not."""

    bars: list[Bar]
    total: int
    asleep: int


def counted(now: datetime, span: str) -> list[tuple[datetime, str, int]]:
    """Minute, key of `SERIES` and how many pushes: what the chart is made of."""
    return _counted(span, _start(now, span), now)


def _start(now: datetime, span: str) -> datetime:
    return now.replace(second=0, microsecond=0) + timedelta(minutes=1) - SPANS[span]


def laid_out(
    numbers: Iterable[tuple[datetime, str, int]], now: datetime, span: str
) -> Outcomes:
    """The chart of what was counted, by the clock of the reader."""
    start, step = _start(now, span), SPANS[span] / SLOTS
    slots = [dict.fromkeys((key for key, _, _ in SERIES), 0) for _ in range(SLOTS)]
    for minute, key, number in numbers:
        slots[(minute - start) // step][key] += number
    most = _round_up(max(sum(slot.values()) for slot in slots))
    pixels = (HEIGHT - HEADROOM) / most
    bars = [
        bar
        for i, slot in enumerate(slots)
        for bar in stacked(
            SERIES, slot, (_x(i + 0.1), 1.25), pixels=pixels, floor=HEIGHT
        )
    ]
    totals = {key: sum(slot[key] for slot in slots) for key, _, _ in SERIES}
    shown = [key for key in totals if totals[key] or key not in RARE]
    legend = [(tone, name, totals[key]) for key, tone, name in SERIES if key in shown]
    rows = [(start + i * step, [s[key] for key in shown]) for i, s in enumerate(slots)]
    told = [row for row in rows if any(row[1])]
    times, until = _times(start, step), start + SPANS[span]
    return Outcomes(span, bars, legend, told, _levels(most), times, start, until)


def _round_up(most: int) -> int:
    """The smallest number of 4 equal, round steps that is not less than `most`."""
    size = 1
    while size * 10 * 4 < most:
        size *= 10
    return next(
        4 * size * step for step in (1, 2, 3, 4, 5, 8, 10) if 4 * size * step >= most
    )


def _levels(most: int) -> list[tuple[float, int]]:
    height = HEIGHT - HEADROOM
    return [(round(HEIGHT - height * n / 4, 1), most * n // 4) for n in range(5)]


def _times(start: datetime, step: timedelta) -> list[tuple[float, datetime, bool]]:
    """Round moments, a dozen of them; a phone shows every third."""
    every = 5 * step
    midnight = timezone.localtime(start).replace(hour=0, minute=0)
    moments = ((slot, start + slot * step) for slot in range(1, SLOTS - 1))
    return [
        (_x(slot), moment, (moment - midnight) // every % 3 != 0)
        for slot, moment in moments
        if (moment - midnight) % every < step
    ]


def _x(slot: float) -> float:
    return round(GUTTER + (100 - GUTTER) * slot / SLOTS, 2)


def _counted(span: str, start: datetime, now: datetime) -> list[Minute]:
    """Of a house with many pushes, what is older than `STILL` is counted once in `KEEP`."""
    known = _kept.get(span)
    if known is not None and known.at <= now < known.at + KEEP:
        older = [minute for minute in known.minutes if minute[0] >= start]
        return [*older, *_between(known.until, now)]
    minutes = list(_between(start, now))
    until = now.replace(second=0, microsecond=0) - STILL
    older = [minute for minute in minutes if minute[0] < until]
    if sum(number for *_, number in older) > COUNTED:
        _kept[span] = Kept(now, until, older)
    return minutes


def _between(start: datetime, now: datetime) -> Iterator[Minute]:
    pushes = Push.objects.filter(sent_at__range=(start, now))
    remote = Q(state=Push.State.ACCEPTED) & ~Q(push_type=Push.Type.VOIP)
    sent = pushes.filter(remote | Q(state=Push.State.REJECTED))
    # What became of a call stands in its row: no push of it has to be looked at.
    calls = Call.objects.filter(
        sent_at__range=(start, now), verdict__in=["handled", "unhandled"]
    )
    # A push is held when it is stored.
    held = Push.objects.filter(state=Push.State.HELD, created_at__range=(start, now))
    groups = _by_minute(calls, "sent_at", "verdict", Sum("pushes_accepted")).union(
        _by_minute(sent, "sent_at", "state", Count("pk")),
        _by_minute(held, "created_at", "state", Count("pk")),
        all=True,
    )
    for minute, state, number in groups:
        yield minute, SERIES_OF[state], number


def _by_minute(rows: QuerySet, moment: str, state: str, number: Aggregate) -> QuerySet:
    minutes = rows.order_by().annotate(minute=TruncMinute(moment))
    return minutes.values_list("minute", state).annotate(number=number)


def stacked(
    series: Iterable[tuple],
    numbers: Mapping[str, int],
    place: tuple[float, float],
    *,
    pixels: float,
    floor: float,
) -> list[Bar]:
    """The bars of one slot, one on the other. `series`: key, tone, legend, from below;
    `place`: x and width; `pixels`: what one of `numbers` is high; `floor`: where they stand.
    """
    bars, top = [], floor
    for key, tone, name in series:
        if not numbers[key]:
            continue
        height = round(pixels * numbers[key], 1)
        top = round(top - height, 1)
        bars.append(Bar(*place, top, height, tone, numbers[key], name))
    return bars


def wake_times(calls: Iterable[tuple[str, timedelta | None]]) -> WakeTimes:
    """The histogram of proof moment minus acceptance, of verdicts with their wake times."""
    counts, asleep = [0] * len(BINS), 0
    for verdict, time in calls:
        asleep += verdict == "unhandled"
        if verdict != "handled" or time is None:
            continue
        seconds = time.total_seconds()
        place = next((i for i, end in enumerate(BINS) if seconds < end), len(BINS) - 1)
        counts[place] += 1
    edges = zip((0, *BINS), BINS, strict=False)
    labels = ["<1", *(f"{low}–{high}" for low, high in edges if low), "none"]
    return WakeTimes(_columns([*counts, asleep], labels), sum(counts) + asleep, asleep)


def _columns(counts: list[int], labels: list[str]) -> list[Bar]:
    most, width = max(*counts, 1), 100 / len(counts)
    bars = []
    for i, (number, label) in enumerate(zip(counts, labels, strict=True)):
        height = round((HEIGHT - 20) * number / most, 1)
        tone = {"none": "hot", "10–30": "warn"}.get(label, "ok")
        x = round(i * width + width * 0.15, 2)
        y = round(HEIGHT - height, 1)
        bars.append(
            Bar(
                x,
                round(width * 0.7, 2),
                y,
                height,
                tone,
                number,
                LABELS.get(label, label),
            )
        )
    return bars
