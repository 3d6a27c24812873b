"""What the safety of a resend rests on, read from the database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
)
from django.db.models.functions import Coalesce, JSONObject, NullIf
from django.utils.dateparse import parse_duration

from notifications.apns.push import token_kind
from notifications.models import Credential, Push
from notifications.safety import UNDO, Facts, standing_of
from registrations.models import Device, Holding, Sighting

JUST_NOW = timedelta(seconds=60)
#: Of a credential, and of its app.
ASKED = ("expires_at", "paused_until", "pause_reason", "server", "app__voip_life")


def facts_of(
    device: Device,
    push_types: Iterable[str],
    now: datetime,
    resend_of: Push | None = None,
) -> dict[str, Facts]:
    """push type → what the database says of it just now, in one question for all.

    Of the token that a push of this type goes to; where the device holds none, of the one
    that the old push went to.
    """
    ring = {kind: _time_left(resend_of, kind, now) for kind in push_types if resend_of}
    may_ring = any(left is not None for left in ring.values())
    answers = answers_to(resend_of) if may_ring else Sighting.objects.none()
    wanted = Q(current=True)
    if resend_of is not None:
        wanted |= Q(token=resend_of.token_id)
    rows = device.holdings.filter(wanted).select_related(
        "token__ledger", "token__health"
    )
    found = list(asked_of(rows, now).annotate(is_answered=Exists(answers)))
    known = {kind: facts_from(found, kind, now, resend_of) for kind in push_types}
    if not any(row.is_answered for row in found):
        for kind, left in ring.items():
            known[kind] = replace(known[kind], life_left=left)
    return known


def sent_by_people(since: datetime) -> QuerySet[Push]:
    """What people sent again or as a test since then, and did not undo."""
    rows = Push.objects.filter(
        origin__in=[Push.Origin.RESEND, Push.Origin.TEST], created_at__gt=since
    )
    return rows.exclude(state=Push.State.CANCELLED)


def asked_of(rows: QuerySet[Holding], now: datetime) -> QuerySet[Holding]:
    """The same, with what `facts_from` asks beside their tokens."""
    recent = sent_by_people(now - JUST_NOW).filter(token=OuterRef("token"))
    bound = Device.objects.bound_at(now).filter(pk=OuterRef("device"))
    # `token_health.environment_of` a token.
    moved = NullIf(F("token__health__environment"), Value("", TextField()))
    return rows.annotate(
        resent=ArraySubquery(recent.order_by().values("push_type")),
        is_bound=Exists(bound),
        place=Coalesce(moved, F("token__environment")),
        credential=_credential(),
    )


def facts_from(
    rows: Iterable[Holding],
    push_type: str,
    now: datetime,
    resend_of: Push | None = None,
) -> Facts:
    """Those of one push type, by the rows of `asked_of` a device."""
    kind = token_kind(push_type)
    ours = [row for row in rows if row.token.kind == kind]
    row = max(ours, key=lambda row: (row.current, row.pk), default=None)
    facts = Facts(
        push_type=push_type, sent_in=resend_of.environment if resend_of else ""
    )
    if row is None:
        return facts
    token, known = row.token, _read(row.credential)
    ledger, health = getattr(token, "ledger", None), getattr(token, "health", None)
    is_same_kind = resend_of is not None and token_kind(resend_of.push_type) == kind
    return replace(
        facts,
        strikes=ledger.strikes if ledger else 0,
        threshold=ledger.threshold if ledger else 3,
        is_bound=row.is_bound,
        is_current=row.current,
        is_another=is_same_kind and resend_of.token_id != token.pk,
        health=health.state if health else "",
        health_reason=health.reason if health else "",
        resent_just_now=push_type in row.resent,
        environment=row.place,
        server=known["server"] if known else "",
        voip_life=known["app__voip_life"] if known else facts.voip_life,
        credential=standing_of(known, now),
    )


def _credential() -> Subquery:
    rows = Credential.objects.filter(
        app__bundle_id=OuterRef("token__bundle_id"), environment=OuterRef("place")
    )
    known = JSONObject(**{name: name for name in ASKED})
    return Subquery(rows.order_by().values_list(known)[:1])


def _read(known: dict | None) -> dict | None:
    """The row of a credential, its moments and its span no longer texts."""
    if known is None:
        return None
    moments = {name: known[name] for name in ("expires_at", "paused_until")}
    read = {
        name: datetime.fromisoformat(text) if text else None
        for name, text in moments.items()
    }
    return known | read | {"app__voip_life": parse_duration(known["app__voip_life"])}


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
