"""How pushes end that leave no more, by all their tries and not by the newest alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from notifications.models import Attempt, Push
from notifications.retrying import end_after

NEVER_LEFT = frozenset({"failed", "expired", "cancelled"})


def settle(pushes: Iterable[Push]) -> None:
    """Mend the `state` of those that ended as if nothing had ever left; stores nothing."""
    ended = [
        push for push in pushes if push.state in NEVER_LEFT and push.attempt_count > 1
    ]
    if ended:
        told = _outcomes(push.pk for push in ended)
        for push in ended:
            push.state = end_after(push.state, told[push.pk])


@transaction.atomic
def end_waiting(pushes: QuerySet[Push], state: str, reason: str, now: datetime) -> int:
    """End those of these pushes that wait, as `state` or truer; how many there were."""
    waiting = pushes.filter(state=Push.State.QUEUED)
    count = waiting.filter(attempt_count=0).update(
        state=state, ended_at=now, reason=reason
    )
    tried = waiting.select_for_update(skip_locked=True)
    told = _outcomes(tried.values_list("pk", flat=True))
    by_state: dict[str, list[UUID]] = defaultdict(list)
    for push, outcomes in told.items():
        by_state[end_after(state, outcomes)].append(push)
    for final, ids in by_state.items():
        ended = Push.objects.filter(pk__in=ids)
        count += ended.update(state=final, ended_at=now, reason=reason)
    return count


def _outcomes(pushes: Iterable[UUID]) -> dict[UUID, set[str]]:
    """Those that were tried, each with the outcomes of its tries."""
    found: dict[UUID, set[str]] = {push: set() for push in pushes}
    if found:
        rows = Attempt.objects.filter(push__in=found).order_by()
        for push, outcome in rows.values_list("push", "outcome"):
            found[push].add(outcome)
    return found
