"""The read model of the Fleet page: versions and phones that do not wake, wake times, coverage.

Counted in SQL, decided in `heat`, `waking` and `coverage`. Reads only.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import BooleanField, Count, ExpressionWrapper, Q, Sum
from django.db.models.functions import Coalesce, Greatest
from django.utils.translation import gettext_lazy as _

from notifications.alarms import alarms
from notifications.coverage import Coverage, coverage
from notifications.heat import FLOOR, Heat, heat, numbers_of
from notifications.models import App, Call
from notifications.proportions import Tally
from notifications.waking import Wakes, wakes
from notifications.wording import rules_in_words

SPANS = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
USUAL_SPAN = "7d"
COLUMNS = {"phone": _("Phone model"), "ios": _("iOS version")}
MOST_VERSIONS = 12
#: Tenths of seconds, not quantiles: to sort every wake costs five times as much.
WAKES = """
    SELECT coalesce(build.name, ''), coalesce(build.version, ''), tenth, sum(calls)::bigint
    FROM (
        SELECT build_id, ceil(extract(epoch FROM wake_time) * 10)::int AS tenth,
            count(*) AS calls
        FROM notifications_call
        WHERE sent_at > %s AND sent_at <= %s AND verdict = 'handled'
            AND wake_time IS NOT NULL
        GROUP BY build_id, tenth
    ) AS woken LEFT JOIN notifications_build AS build ON build.id = build_id
    GROUP BY 1, 2, 3
"""


def fleet(asked: Mapping[str, str], now: datetime) -> dict:
    """The values of the page; `asked` may name `span` and `by`, others count as the usual."""
    span = asked.get("span") if asked.get("span") in SPANS else USUAL_SPAN
    by = asked.get("by") if asked.get("by") in COLUMNS else "phone"
    since = now - SPANS[span]
    table, covered = counted(since, now, by)
    whole, versions = wake_times(since, now)
    return {
        "span": span,
        "spans": list(SPANS),
        "by": by,
        "columns": COLUMNS,
        "floor": FLOOR,
        "alarms": alarms(),
        "heat": table,
        "whole": whole,
        "versions": versions,
        "coverage": covered,
        "rules": rules_in_words(App.objects.all()),
    }


def counted(since: datetime, now: datetime, by: str) -> tuple[Heat, Coverage]:
    """Judged calls by version and by `phone` or `ios`; and for how many pushes a proof was
    possible. One look at the calls for both.
    """
    overdue = ExpressionWrapper(
        Coalesce(Q(handle_by__lte=now), False), output_field=BooleanField()
    )
    calls = Call.objects.filter(sent_at__gt=since, sent_at__lte=now).order_by()
    groups = calls.annotate(overdue=overdue).values_list(
        "build__name", "build__version", f"build__{by}", "verdict", "rule", "overdue"
    )
    rows = list(
        groups.annotate(calls=Count("pk"), pushes=Sum(Greatest("pushes_accepted", 1)))
    )
    judged = (
        (*row[:3], Tally(row[6] if row[3] == "unhandled" else 0, row[6]))
        for row in rows
        if row[0] is not None and row[3] in {"handled", "unhandled"}
    )
    return heat(judged), coverage((*row[3:6], row[7]) for row in rows)


def wake_times(since: datetime, now: datetime) -> tuple[Wakes | None, list[Wakes]]:
    """Of all calls (None without any), and of the versions with most, newest first."""
    everybody: Counter[int] = Counter()
    tenths: dict[tuple[str, str], Counter[int]] = defaultdict(Counter)
    with connection.cursor() as cursor:
        cursor.execute(WAKES, [since, now])
        for name, version, tenth, calls in cursor.fetchall():
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
