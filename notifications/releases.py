"""Looks for releases that stopped waking; the one writer of `RegressionAlarm`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Q

from notifications.models import Call, RegressionAlarm
from notifications.proportions import Tally
from notifications.regression import Regression, Release, regressions

#: What counts as now, and the days before it a release is compared with.
LATELY = timedelta(hours=24)
BEFORE = timedelta(days=7)


@transaction.atomic
def watch(now: datetime) -> list[RegressionAlarm]:
    """One look: alarms that stand keep their `since`, those that ended are gone."""
    found = [
        (name, one)
        for name, releases in sorted(_releases(now).items())
        for one in regressions(releases)
    ]
    kept = [_keep(name, one, now) for name, one in found]
    RegressionAlarm.objects.exclude(pk__in=[alarm.pk for alarm in kept]).delete()
    return kept


def _keep(name: str, found: Regression, now: datetime) -> RegressionAlarm:
    facts = {
        "now_unhandled": found.now.unhandled,
        "now_judged": found.now.judged,
        "before_unhandled": found.before.unhandled,
        "before_judged": found.before.judged,
        "looked_at": now,
    }
    alarm, _ = RegressionAlarm.objects.update_or_create(
        kind=found.kind,
        name=name,
        version=found.version,
        defaults=facts,
        create_defaults={**facts, "since": now},
    )
    return alarm


def _releases(now: datetime) -> dict[str, list[Release]]:
    """app name → its versions, lately and before."""
    lately, unhandled = Q(sent_at__gte=now - LATELY), Q(verdict="unhandled")
    calls = Call.objects.filter(
        sent_at__gt=now - LATELY - BEFORE,
        sent_at__lte=now,
        verdict__in=["handled", "unhandled"],
        build__isnull=False,
    )
    rows = calls.order_by().values_list("build__name", "build__version")
    counted: Iterable = rows.annotate(
        now_unhandled=Count("pk", filter=lately & unhandled),
        now_judged=Count("pk", filter=lately),
        before_unhandled=Count("pk", filter=~lately & unhandled),
        before_judged=Count("pk", filter=~lately),
    )
    found: dict[str, list[Release]] = defaultdict(list)
    for name, version, *numbers in counted:
        now_, before = Tally(*numbers[:2]), Tally(*numbers[2:])
        found[name].append(Release(version or "?", now_, before))
    return found
