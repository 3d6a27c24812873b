"""Brings home what nobody holds any more: rows of dead workers, rows past their life."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction

from notifications.apns import Outcome, Result
from notifications.models import Push
from notifications.ownership import is_dead
from notifications.recording import record
from notifications.sending import Try

logger = logging.getLogger(__name__)


def reap(now: datetime) -> None:
    """Rows of dead workers: what had departed is `unknown`, the rest waits again (P1, P2)."""
    in_hand = Push.objects.filter(state=Push.State.SENDING)
    for owner in set(in_hand.values_list("owner", flat=True)):
        if owner is None or is_dead(owner):
            _reap_owner(owner, now)


@transaction.atomic
def _reap_owner(owner: int | None, now: datetime) -> None:
    rows = Push.objects.filter(state=Push.State.SENDING, owner=owner)
    lost = list(rows.select_for_update(skip_locked=True, of=("self",)))
    departed = [push for push in lost if push.departed_at is not None]
    waiting = [push.pk for push in lost if push.departed_at is None]
    Push.objects.filter(pk__in=waiting).update(state=Push.State.QUEUED, owner=None)
    record([_lost_try(push, now) for push in departed], now)
    if lost:
        logger.warning(
            "rows of a dead worker brought home",
            extra={"unknown": len(departed), "queued": len(waiting)},
        )


def _lost_try(push: Push, now: datetime) -> Try:
    detail = "the worker died while it was sending"
    return Try(
        push, push.departed_at, now, Result(outcome=Outcome.UNKNOWN, detail=detail)
    )


def expire(now: datetime) -> None:
    """Queued rows past their life: nothing leaves after `expires_at` (P3)."""
    Push.objects.filter(state=Push.State.QUEUED, expires_at__lte=now).update(
        state=Push.State.EXPIRED, ended_at=now, reason="its life was over"
    )
