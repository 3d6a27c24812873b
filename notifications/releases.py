"""Looks for releases that stopped waking; the one writer of `RegressionAlarm`."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Q

from notifications.models import Call, Past, RegressionAlarm
from notifications.proportions import Tally
from notifications.regression import Regression, Release, regressions

#: App and version.
Version = tuple[str, str]
#: What counts as now (and up to an hour more), and the days before it.
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
    """app name → its versions, lately and before. The days before end at a full hour, so
    that they are counted once in it.
    """
    since = now.replace(minute=0, second=0, microsecond=0) - LATELY
    lately, before = _tallies(since, now), _past(since)
    found: dict[str, list[Release]] = defaultdict(list)
    for name, version in sorted({*lately, *before}):
        both = (known.get((name, version), Tally()) for known in (lately, before))
        found[name].append(Release(version or "?", *both))
    return found


def _tallies(since: datetime, until: datetime) -> dict[Version, Tally]:
    """The judged calls sent in `since` ≤ … < `until`."""
    calls = Call.objects.filter(
        sent_at__gte=since,
        sent_at__lt=until,
        verdict__in=["handled", "unhandled"],
        build__isnull=False,
    )
    rows = calls.order_by().values_list("build__name", "build__version")
    counted = rows.annotate(
        unhandled=Count("pk", filter=Q(verdict="unhandled")), judged=Count("pk")
    )
    return {(name, version): Tally(*numbers) for name, version, *numbers in counted}


def _past(until: datetime) -> dict[Version, Tally]:
    """The days before `until`, as they were counted first."""
    known = Past.objects.filter(until=until)
    if not known.exists():
        Past.objects.all().delete()
        Past.objects.bulk_create(
            Past(
                name=name,
                version=version,
                until=until,
                unhandled=tally.unhandled,
                judged=tally.judged,
            )
            for (name, version), tally in _tallies(until - BEFORE, until).items()
        )
    rows = known.values_list("name", "version", "unhandled", "judged")
    return {(name, version): Tally(*numbers) for name, version, *numbers in rows}
