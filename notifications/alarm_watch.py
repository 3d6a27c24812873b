"""Looks which alarms stand, for Settings to say since when; the one writer of `AlarmState`."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from notifications.expiry import FIRST
from notifications.models import AlarmState, Credential, Ledger, RegressionAlarm
from notifications.sources import asks_for_somebody
from registrations.models import Feed

Rule = AlarmState.Rule


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
