"""What the safety of a resend rests on, read from the database."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import (
    Exists,
    F,
    OuterRef,
    QuerySet,
    Subquery,
    TextField,
    Value,
)
from django.db.models.functions import Coalesce, JSONObject, NullIf

from notifications.models import Credential, Push
from notifications.safety import Facts, standing_of
from registrations.models import Device, PushToken, Sighting

JUST_NOW = timedelta(seconds=60)
#: What a person ordered waits so long for an undo.
UNDO = timedelta(seconds=5)
#: Of a credential.
ASKED = ("expires_at", "paused_until", "pause_reason")


def facts_of(
    device: Device,
    token: PushToken,
    push_type: str,
    now: datetime,
    resend_of: Push | None = None,
) -> Facts:
    """What the database says of it just now, in one question."""
    left = _time_left(resend_of, push_type, now) if resend_of else None
    recent = Push.objects.filter(
        token=token,
        push_type=push_type,
        origin__in=[Push.Origin.RESEND, Push.Origin.TEST],
        created_at__gt=now - JUST_NOW,
    )
    answers = Sighting.objects.none() if left is None else answers_to(resend_of)
    found = PushToken.objects.select_related("ledger", "health").annotate(
        resent_just_now=Exists(recent),
        is_bound=Exists(Device.objects.bound_at(now).filter(pk=device.pk)),
        is_current=Exists(device.holdings.filter(current=True, token=token)),
        is_answered=Exists(answers),
        place=_place(),
        credential=_credential(),
    )
    row = found.get(pk=token.pk)
    standing = standing_of(_read(row.credential), now)
    ledger, health = getattr(row, "ledger", None), getattr(row, "health", None)
    return Facts(
        push_type=push_type,
        strikes=ledger.strikes if ledger else 0,
        threshold=ledger.threshold if ledger else 3,
        is_bound=row.is_bound,
        is_current=row.is_current,
        health=health.state if health else "",
        health_reason=health.reason if health else "",
        resent_just_now=row.resent_just_now,
        life_left=None if row.is_answered else left,
        credential=standing.state,
        credential_moment=standing.moment,
        credential_reason=standing.reason,
    )


def _place() -> Coalesce:
    """`token_health.environment_of` a token."""
    return Coalesce(
        NullIf(F("health__environment"), Value("", TextField())), F("environment")
    )


def _credential() -> Subquery:
    rows = Credential.objects.filter(
        app__bundle_id=OuterRef("bundle_id"), environment=OuterRef("place")
    )
    known = JSONObject(**{name: name for name in ASKED})
    return Subquery(rows.order_by().values_list(known)[:1])


def _read(known: dict | None) -> dict | None:
    """The row of a credential, its moments no longer texts."""
    if known is None:
        return None
    moments = {name: known[name] for name in ("expires_at", "paused_until")}
    return known | {
        name: datetime.fromisoformat(text) if text else None
        for name, text in moments.items()
    }


def life_left(push: Push, push_type: str, now: datetime) -> timedelta | None:
    """How long the call behind a VoIP push may ring on after the undo window.

    None when it is over: its life has ended, or this phone has answered it for good.
    """
    left = _time_left(push, push_type, now)
    return None if left is None or answers_to(push).exists() else left


def _time_left(push: Push, push_type: str, now: datetime) -> timedelta | None:
    left = push.expires_at - now
    if push_type != Push.Type.VOIP or push.push_type != push_type or left <= UNDO:
        return None
    return left


def answers_to(push: Push) -> QuerySet[Sighting]:
    """The final answers that this phone gave to the call of a push."""
    return Sighting.objects.filter(
        device=push.device_id,
        day__gte=push.created_at.date() - timedelta(days=1),
        kind=Sighting.Kind.ANSWER,
        call_id=push.call_id,
        code__gte=200,
    )
