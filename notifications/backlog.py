"""What waits to be sent: how much, since when, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, Q
from django.utils.timezone import localtime
from django.utils.translation import gettext

from notifications.models import Credential, Push

#: Whose turn has come and who is still not sent after so long waits for something.
LATE_SECONDS = {"voip": 2.0, "other": 60.0}


@dataclass(frozen=True, slots=True)
class Lane:
    """One queue: `name` is `voip` or `other`. `oldest`: seconds since the oldest was asked
    for, None when nothing waits; `later`: those whose turn comes later.
    """

    name: str
    waiting: int
    later: int
    oldest: float | None

    @property
    def is_late(self) -> bool:
        """APNs is slow, a credential pauses, a limit holds, or no worker runs."""
        return self.oldest is not None and self.oldest > LATE_SECONDS[self.name]


def lanes(now: datetime) -> list[Lane]:
    """Both queues as of now."""
    queued = Push.objects.filter(state=Push.State.QUEUED).order_by()
    kinds = queued.values_list(Q(push_type=Push.Type.VOIP)).annotate(
        due=Count("pk", Q(due_at__lte=now)),
        later=Count("pk", Q(due_at__gt=now)),
        oldest=Min("due_at", filter=Q(due_at__lte=now)),
    )
    found = {is_voip: numbers for is_voip, *numbers in kinds}
    return [
        _lane(name, *found.get(is_voip, (0, 0, None)), now)
        for name, is_voip in (("voip", True), ("other", False))
    ]


def _lane(name: str, due: int, later: int, oldest: datetime | None, now) -> Lane:
    return Lane(name, due, later, (now - oldest).total_seconds() if oldest else None)


def why_waiting(push: Push, now: datetime) -> str:
    """One sentence about a push that is queued."""
    credential = Credential.objects.filter(
        app=push.app, environment=push.environment
    ).first()
    if credential is None:
        told = gettext("%(app)s has no credential for %(environment)s")
        return told % {"app": push.app.name, "environment": push.environment}
    if credential.paused_until is not None:
        until = f"{localtime(credential.paused_until):%H:%M:%S}"
        told = gettext("the credential pauses until %(until)s: %(reason)s")
        return told % {"until": until, "reason": credential.pause_reason}
    if push.due_at > now:
        told = gettext("%(why)s, due at %(at)s")
        return told % {
            "why": _why_later(push),
            "at": f"{localtime(push.due_at):%H:%M:%S}",
        }
    if push.push_type != Push.Type.VOIP and (
        push.app.push_limit or credential.push_limit
    ):
        return gettext("its turn, within the pushes a second of its app and credential")
    return gettext("its turn")


def _why_later(push: Push) -> str:
    if push.reason:
        return push.reason
    if push.attempt_count:
        return gettext("tried again")
    by_person = push.requested_by_id is not None
    return gettext("waits for an undo") if by_person else gettext("its turn")
