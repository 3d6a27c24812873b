"""Looks which alarms stand and how much each feed gives, for Settings to say; the one writer of
`AlarmState` and `FeedPace`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from notifications.expiry import FIRST
from notifications.models import (
    AlarmState,
    Credential,
    FeedPace,
    Ledger,
    RegressionAlarm,
)
from notifications.sources import asks_for_somebody
from registrations.models import Feed

Rule = AlarmState.Rule
#: Looks that lie closer are no measure of a minute.
SHORTEST_LOOK = timedelta(seconds=55)


@transaction.atomic
def watch(now: datetime) -> None:
    """One look: an alarm that is as it was keeps its `since`."""
    known = {row.rule: row for row in AlarmState.objects.select_for_update()}
    for rule, rows in _standing(now).items():
        is_firing = rows.exists()
        before = known.get(rule)
        is_same = before is not None and before.is_firing == is_firing
        since = before.since if is_same else now
        AlarmState.objects.update_or_create(
            rule=rule,
            defaults={"is_firing": is_firing, "since": since, "looked_at": now},
        )


def _standing(now: datetime) -> dict[str, QuerySet]:
    """What each alarm stands for; it is quiet without any."""
    keys = Credential.objects
    feeds = Feed.objects.filter(asks_for_somebody(now), enabled=True)
    return {
        Rule.CREDENTIAL: keys.exclude(paused_until=None),
        Rule.JUMP: keys.exclude(jump_at=None),
        Rule.RELEASE: RegressionAlarm.objects.all(),
        Rule.SOURCE: feeds,
        Rule.CERTIFICATE: keys.filter(expires_at__lte=now + FIRST),
        Rule.SUSPECTED: Ledger.objects.filter(state=Ledger.State.SUSPECTED),
    }


@transaction.atomic
def measure(now: datetime) -> None:
    """How many REGISTERs a minute each feed gave since the look before."""
    known = {row.pk: row for row in FeedPace.objects.select_for_update()}
    for pk, registers in Feed.objects.values_list("pk", "register_count"):
        before = known.get(pk)
        if before is not None and now - before.looked_at < SHORTEST_LOOK:
            continue
        FeedPace.objects.update_or_create(
            feed_id=pk,
            defaults={
                "looked_at": now,
                "registers": registers,
                "per_minute": _pace(before, registers, now),
            },
        )


def _pace(before: FeedPace | None, registers: int, now: datetime) -> float | None:
    if before is None:
        return None
    minutes = (now - before.looked_at).total_seconds() / 60
    return max(0, registers - before.registers) / minutes
