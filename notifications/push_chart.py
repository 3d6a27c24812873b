"""The chart above the Pushes list: what became of its pushes over time, in 60 slots. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Func, IntegerField, Value
from django.utils import timezone
from django.utils.dateformat import format as date_format
from django.utils.translation import gettext_lazy as _

from notifications.charts import SLOTS, Bar, stacked
from notifications.keyset import query
from notifications.push_outcomes import outcome_named
from notifications.ranges import Range

#: Pixels; the topmost bar fills it.
HEIGHT = 56
#: What a bar is stacked of, from below: key, tone, legend.
SERIES = (
    ("woken", "ok", _("Woken")),
    ("remote", "info", _("Remote, accepted")),
    ("asleep", "warn", _("Did not wake")),
    ("rejected", "bad", _("Rejected by APNs")),
    ("others", "mute", _("Others")),
)
TOLD_APART = {"woken", "remote", "asleep", "rejected"}
#: Moments below the chart.
QUARTERS = 4


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars by slot, from a moment to another; x and widths in percent, heights in pixels."""

    since: datetime
    until: datetime
    bars: list[Bar]
    legend: list[tuple[str, str, int]]
    #: (x, words, how it is anchored).
    times: list[tuple[float, str, str]]
    #: The same as a table: (from when, the part of an address that zooms into it, numbers in
    #: the order of the legend) of each slot that has any.
    rows: list[tuple[str, str, list[int]]]
    slots: int = SLOTS


class Slot(Func):
    """Which slot of a stretch a moment lies in."""

    # Not extract(), whose numeric takes longer than the rest of a row.
    template = "floor(date_part('epoch', %(expressions)s) / %(seconds)s)::int"
    arg_joiner = " - "
    output_field = IntegerField()


def slot_of(stretch: Range) -> Func | Value:
    """The slot of a push, for SQL; 0 where the stretch has no beginning."""
    if stretch.since is None or stretch.until is None:
        return Value(0)
    seconds = (stretch.until - stretch.since).total_seconds() / SLOTS
    return Slot(F("created_at"), Value(stretch.since), seconds=repr(seconds))


def chart_of(stretch: Range, counted: Iterable[tuple]) -> Chart | None:
    """The chart of a stretch that has a beginning. `counted`: (slot, type, state, verdict,
    rule, number).
    """
    if stretch.since is None or stretch.until is None:
        return None
    slots: list[Counter[str]] = [Counter() for _ in range(SLOTS)]
    for slot, push_type, state, verdict, rule, number in counted:
        outcome = outcome_named(push_type, state, verdict or "awaited", rule)
        key = outcome if outcome in TOLD_APART else "others"
        slots[max(0, min(slot, SLOTS - 1))][key] += number
    most = max(sum(slot.values()) for slot in slots) or 1
    width = 100 / SLOTS
    bars = [
        bar
        for i, slot in enumerate(slots)
        for bar in stacked(
            SERIES,
            slot,
            (round((i + 0.1) * width, 2), round(width * 0.8, 2)),
            pixels=HEIGHT / most,
            floor=HEIGHT,
        )
    ]
    totals = sum(slots, Counter())
    legend = [(tone, name, totals[key]) for key, tone, name in SERIES if totals[key]]
    times = _times(stretch.since, stretch.until)
    rows = _rows(stretch, slots, [key for key, _, _ in SERIES if totals[key]])
    return Chart(stretch.since, stretch.until, bars, legend, times, rows)


def _rows(
    stretch: Range, slots: list[Counter[str]], shown: list[str]
) -> list[tuple[str, str, list[int]]]:
    step = (stretch.until - stretch.since) / SLOTS
    form = "j M H:i:s" if step < timedelta(minutes=1) else "j M H:i"
    starts = [stretch.since + slot * step for slot in range(SLOTS)]
    return [
        (
            date_format(timezone.localtime(start), form),
            query(**Range(start, start + step).address),
            [slot[key] for key in shown],
        )
        for start, slot in zip(starts, slots, strict=True)
        if any(slot.values())
    ]


def _times(since: datetime, until: datetime) -> list[tuple[float, str, str]]:
    form = _form(until - since)
    step = (until - since) / QUARTERS
    anchors = {0: "start", QUARTERS: "end"}
    return [
        (
            100 * quarter / QUARTERS,
            date_format(timezone.localtime(since + quarter * step), form),
            anchors.get(quarter, "middle"),
        )
        for quarter in range(QUARTERS + 1)
    ]


def _form(length: timedelta) -> str:
    if length > timedelta(days=2):
        return "j M"
    return "H:i" if length > timedelta(minutes=10) else "H:i:s"
