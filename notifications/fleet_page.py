"""The read model of the Fleet page: versions and phones that do not wake, wake times, coverage.

Summed in SQL over the counts of `sums`, decided in `heat`, `waking` and `coverage`. Reads only.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import BooleanField, ExpressionWrapper, Q, Sum
from django.db.models.functions import Coalesce, Greatest
from django.utils.translation import gettext_lazy as _

from notifications.alarms import alarms
from notifications.coverage import Coverage, coverage
from notifications.heat import FLOOR, Heat, heat, numbers_of
from notifications.models import App, Call, CallCount, Size, WakeCount
from notifications.proportions import Tally
from notifications.waking import Wakes, wakes
from notifications.wording import rules_in_words

#: How far a span reaches back, and by which counts: it begins at a full hour or day (UTC).
SPANS = {
    "24h": (timedelta(hours=24), Size.HOUR),
    "7d": (timedelta(days=7), Size.DAY),
    "30d": (timedelta(days=30), Size.DAY),
}
USUAL_SPAN = "7d"
COLUMNS = {"phone": _("Phone model"), "ios": _("iOS version")}
MOST_VERSIONS = 12


@dataclass(frozen=True, slots=True)
class Reach:
    """The full hours or days from `since` on."""

    since: datetime
    size: Size


def reach(span: str, now: datetime) -> Reach:
    """What a span of `SPANS` covers."""
    length, size = SPANS[span]
    hours = {"hour": 0} if size == Size.DAY else {}
    since = (now - length).replace(minute=0, second=0, microsecond=0, **hours)
    return Reach(since, size)


def fleet(asked: Mapping[str, str], now: datetime) -> dict:
    """The values of the page; `asked` may name `span` and `by`, others count as the usual."""
    span = asked.get("span") if asked.get("span") in SPANS else USUAL_SPAN
    by = asked.get("by") if asked.get("by") in COLUMNS else "phone"
    covered = reach(span, now)
    counts = call_counts(covered, by)
    whole, versions = wake_times(covered)
    return {
        "span": span,
        "spans": list(SPANS),
        "since": covered.since,
        "by": by,
        "columns": COLUMNS,
        "floor": FLOOR,
        "alarms": alarms(),
        "heat": heat_of(counts),
        "whole": whole,
        "versions": versions,
        "coverage": coverage_of(counts, covered.since, now),
        "rules": rules_in_words(App.objects.all()),
    }


#: name, version, phone or iOS, verdict, rule, calls, pushes
Counts = list[tuple[str | None, str | None, str | None, str, str, int, int]]


def call_counts(covered: Reach, by: str) -> Counts:
    """Judged calls by version and by `phone` or `ios`, verdict and rule."""
    rows = CallCount.objects.filter(size=covered.size, start__gte=covered.since)
    groups = rows.order_by().values_list(
        "build__name", "build__version", f"build__{by}", "verdict", "rule"
    )
    return list(groups.annotate(sum=Sum("calls"), sent=Sum("pushes")))


def heat_of(counts: Counts) -> Heat:
    """The table of calls that proved something."""
    return heat(
        (name, version, phone, Tally(calls if verdict == "unhandled" else 0, calls))
        for name, version, phone, verdict, _, calls, _ in counts
        if name is not None and calls and verdict in {"handled", "unhandled"}
    )


def coverage_of(counts: Counts, since: datetime, now: datetime) -> Coverage:
    """For how many pushes a proof was possible. What has no verdict yet is counted as it
    stands: it is little, and stands in an index.
    """
    overdue = ExpressionWrapper(
        Coalesce(Q(handle_by__lte=now), False), output_field=BooleanField()
    )
    calls = Call.objects.filter(verdict="awaited", sent_at__range=(since, now))
    groups = calls.order_by().values_list("verdict", "rule").annotate(overdue=overdue)
    awaited = groups.annotate(pushes=Sum(Greatest("pushes_accepted", 1)))
    judged = ((*row[3:5], True, row[6]) for row in counts)
    return coverage([*judged, *awaited])


def wake_times(covered: Reach) -> tuple[Wakes | None, list[Wakes]]:
    """Of all calls (None without any), and of the versions with most, newest first."""
    everybody: Counter[int] = Counter()
    tenths: dict[tuple[str, str], Counter[int]] = defaultdict(Counter)
    rows = WakeCount.objects.filter(size=covered.size, start__gte=covered.since)
    groups = rows.order_by().values_list("name", "version", "tenth")
    for name, version, tenth, calls in groups.annotate(sum=Sum("calls")):
        if calls:
            everybody[tenth] += calls
            tenths[name, version][tenth] += calls
    whole = wakes("", "", everybody) if everybody else None
    found = [wakes(*key, those) for key, those in tenths.items() if key[0]]
    found = sorted(found, key=lambda one: -one.count)[:MOST_VERSIONS]
    ends = [one.p99 or one.p95 or one.p50 for one in found]
    scale = max([*ends, 1.0])
    found = [replace(one, scale=scale) for one in found]
    found.sort(key=lambda one: numbers_of(one.version), reverse=True)
    return whole, sorted(found, key=lambda one: one.name)
