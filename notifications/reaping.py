"""Brings home what nobody holds any more: rows of dead workers, rows past their life."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from pathlib import Path

from django.db import transaction

from notifications import ending
from notifications.apns import Outcome, Result
from notifications.journal import Remains, sweep, taken_over
from notifications.models import Push
from notifications.ownership import is_dead
from notifications.recording import record
from notifications.sending import Try, key_of

logger = logging.getLogger(__name__)

#: Rows whose journal is on another machine wait so long for a worker there; longer than
#: any send takes.
LOST_HOST = timedelta(seconds=60)
#: Of a journal that is lost: everything that may have left counts as left.
NOTHING_KNOWN = Remains(is_whole=False)


def reap(folder: Path, now: datetime) -> bool:
    """Rows of dead workers: what had left without an answer is `unknown`, what had one is
    recorded, the rest waits again (P1, P2). `folder` holds this machine's journals.

    True when there was any.
    """
    in_hand = Push.objects.filter(state=Push.State.SENDING)
    owners = set(in_hand.values_list("owner", flat=True))
    sweep(folder, owners - {None}, now)
    dead = [owner for owner in owners if owner is None or is_dead(owner)]
    for owner in dead:
        if owner is None:
            _bring_home(owner, NOTHING_KNOWN, now)
        else:
            _reap_owner(folder, owner, now)
    return bool(dead)


def _reap_owner(folder: Path, owner: int, now: datetime) -> None:
    try:
        with taken_over(folder, owner) as remains:
            if remains is not None:
                _bring_home(owner, remains, now)
            elif not _may_be_elsewhere(owner, now):
                _bring_home(owner, NOTHING_KNOWN, now)
    except BlockingIOError:
        return  # it lives and only lost its session, or another worker reaps it


def _may_be_elsewhere(owner: int, now: datetime) -> bool:
    return Push.objects.held_by(owner).filter(claimed_at__gt=now - LOST_HOST).exists()


@transaction.atomic
def _bring_home(owner: int | None, remains: Remains, now: datetime) -> None:
    rows = Push.objects.held_by(owner).select_related("token")
    held = list(rows.select_for_update(skip_locked=True, of=("self",)))
    tries = [made for push in held if (made := _made(push, remains, now))]
    tried = {made.push.pk for made in tries}
    waiting = [push.pk for push in held if push.pk not in tried]
    record(tries, owner, now)
    Push.objects.filter(pk__in=waiting).update(
        state=Push.State.QUEUED, owner=None, claimed_at=None
    )
    if held:
        logger.warning(
            "rows of a dead worker brought home",
            extra={"owner": owner, "tried": len(tries), "queued": len(waiting)},
        )


def _made(push: Push, remains: Remains, now: datetime) -> Try | None:
    """The try a dead worker made of this push; None when nothing had left."""
    ended = remains.ended.get(key_of(push))
    if ended is not None:
        return Try(push, ended.started_at, ended.ended_at, ended.result)
    has_left = key_of(push) in remains.left or not remains.is_whole
    if not has_left:
        return None
    detail = "the worker died while it was sending"
    return Try(
        push, push.claimed_at, now, Result(outcome=Outcome.UNKNOWN, detail=detail)
    )


def expire(now: datetime) -> None:
    """Queued rows past their life: nothing leaves after `expires_at` (P3)."""
    over = Push.objects.filter(expires_at__lte=now)
    ending.end_waiting(over, Push.State.EXPIRED, "its life was over", now)
