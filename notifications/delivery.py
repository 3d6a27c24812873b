"""Drains the outbox: claim rows, put them on the wire, record what happened.

No transaction is open while anything is sent. Order of the commits: claimed (an owner is
named), departed (from here on a dead worker leaves `unknown`), recorded.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.db import transaction

from notifications import reaping, recording
from notifications.models import Credential, Push
from notifications.sending import send_all

logger = logging.getLogger(__name__)

BATCH = 200
VOIP = (Push.Type.VOIP,)
BULK = (Push.Type.ALERT, Push.Type.BACKGROUND)


def drain(
    push_types: Sequence[str],
    owner: int,
    clock: Callable[[], datetime],
    budget: timedelta,
) -> list[Push]:
    """Send what is due, until nothing is or `budget` is used up. Returns what it handled."""
    started = clock()
    reaping.reap(started)
    reaping.expire(started)
    handled: list[Push] = []
    while pushes := claim(push_types, owner, clock()):
        deliver(pushes, clock)
        handled += pushes
        if clock() - started > budget:
            break
    return handled


@transaction.atomic
def claim(push_types: Sequence[str], owner: int, now: datetime) -> list[Push]:
    """Take up to BATCH due rows for `owner`; rows other workers hold are skipped."""
    due = Push.objects.filter(
        state=Push.State.QUEUED,
        push_type__in=push_types,
        due_at__lte=now,
        expires_at__gt=now,
    )
    pushes = list(
        due.select_for_update(skip_locked=True, of=("self",))
        .select_related("token", "app")
        .order_by("due_at")[:BATCH]
    )
    Push.objects.filter(pk__in=[push.pk for push in pushes]).update(
        state=Push.State.SENDING, owner=owner, departed_at=None
    )
    return pushes


def deliver(pushes: list[Push], clock: Callable[[], datetime]) -> None:
    """Send claimed rows side by side and record every outcome in one transaction."""
    credentials = _credentials_of(pushes)
    Push.objects.filter(pk__in=[push.pk for push in pushes]).update(departed_at=clock())
    tries = send_all(pushes, credentials, clock)
    recording.record(tries, clock())


def _credentials_of(pushes: list[Push]) -> dict[tuple[int, str], Credential]:
    rows = Credential.objects.filter(app__in={push.app_id for push in pushes})
    return {(row.app_id, row.environment): row for row in rows}
