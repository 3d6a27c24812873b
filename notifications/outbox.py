"""Takes pushes in: validates, writes the rows, wakes a worker once they are committed."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.utils.translation import gettext

from notifications import wakeups
from notifications.apns import (
    priority_of,
    topic_of,
)
from notifications.bell import ring
from notifications.models import ApiToken, Push, Ringing, TokenHealth
from notifications.outfits import Outfit, Outfits
from notifications.payloads import TemplateError, Values, filled, interval_of
from notifications.policy import life_of_kind
from notifications.shielding import OF_PERSONS, REASON, protection_of
from notifications.token_health import environment_of
from notifications.wakeups import WakeUps
from registrations.models import Device, PushToken

KINDS = {
    Push.Type.VOIP: Push.Kind.CALL,
    Push.Type.ALERT: Push.Kind.MESSAGE,
    Push.Type.BACKGROUND: Push.Kind.WAKE,
}
#: States of a token that a call tries all the same, and a person.
DOUBTED = frozenset({TokenHealth.State.QUARANTINED, TokenHealth.State.WRONG_TOPIC})
#: RFC 9110 §5.5: what a header may hold.
HEADER = re.compile(r"[\x21-\x7e]+")
logger = logging.getLogger(__name__)


class CannotSend(Exception):
    """A push that cannot even be queued; the text says why and what would mend it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushRequest:
    """What somebody wants sent to one device. Without `call_id` a VoIP push gets its own."""

    device: Device
    push_type: str
    origin: str
    call_id: str = ""
    from_uri: str = ""
    display_name: str = ""
    #: Which payload; empty: the usual one of the push type.
    kind: str = ""
    #: The text of an alert, as the app's own string table names it, and its sound; empty:
    #: as the Contact says.
    loc_key: str = ""
    sound: str = ""
    #: The address of the chat room a message was written in.
    chat_room: str = ""
    #: A call's alert told again: no ringing of its own begins.
    is_repeat: bool = False
    #: The token to push to, dead or not; without it the one the device holds.
    token: PushToken | None = None
    #: Where to send it; without it where the token is known to be good.
    environment: str = ""
    resend_of: Push | None = None
    requested_by: AbstractBaseUser | None = None
    api_token: ApiToken | None = None
    #: How long it stays before it may leave: its life begins then.
    wait: timedelta = timedelta(0)
    #: The end of the call it is for, where that comes before the end of its own life.
    until: datetime | None = None


def new_call_id() -> str:
    """A Call-ID of our own, for a push that no SIP call stands behind."""
    return f"pushdash-{uuid.uuid4()}"


def enqueue(requests: Iterable[PushRequest], now: datetime) -> list[Push]:
    """Store one queued push a request, all or none, and wake the workers on commit.

    Raises CannotSend, naming the device and what it lacks. Where protect mode holds a VoIP
    push, that is stored as `held`, and an alert is queued in its place.
    """
    with transaction.atomic():
        return enqueue_within(list(requests), now)


def enqueue_within(requests: list[PushRequest], now: datetime) -> list[Push]:
    """The same, in the caller's transaction: where this raises, all of that must end."""
    wakes, outfits = WakeUps(), Outfits()
    pushes = [_shielded(request, wakes, outfits, now) for request in requests]
    alerts = [_alert_for(push, outfits, now) for push in pushes]
    rows = [*pushes, *(alert for alert in alerts if alert is not None)]
    Push.objects.bulk_create(rows)
    _begin_ringing(requests, pushes, now)
    queued = [push for push in rows if push.state == Push.State.QUEUED]
    for push_type in {push.push_type for push in queued}:
        transaction.on_commit(partial(ring, push_type))
    return pushes


def _shielded(
    request: PushRequest, wakes: WakeUps, outfits: Outfits, now: datetime
) -> Push:
    push = _push_for(request, wakes, outfits, now)
    if push.push_type == Push.Type.VOIP and push.origin not in OF_PERSONS:
        found = protection_of(push.app, push.token, push.call_id)
        if found is not None and found.holds:
            push.state, push.reason, push.ended_at = Push.State.HELD, REASON, now
    return push


def _alert_for(push: Push, outfits: Outfits, now: datetime) -> Push | None:
    """What tells of a call whose VoIP push is held; None where nothing can."""
    if push.state != Push.State.HELD:
        return None
    request = PushRequest(
        device=push.device,
        push_type=Push.Type.ALERT,
        origin=Push.Origin.PROTECT,
        call_id=push.call_id,
        from_uri=push.told("from-uri"),
        display_name=push.told("display-name"),
        kind=Push.Kind.CALL_END,
    )
    try:
        return _push_for(request, WakeUps(), outfits, now)
    except CannotSend as error:
        logger.info("no alert for a held push", extra={"why": str(error)})
        return None


def _push_for(
    request: PushRequest, wakes: WakeUps, outfits: Outfits, now: datetime
) -> Push:
    device = request.device
    token = request.token or _token_for(request)
    environment = request.environment or environment_of(token)
    call_id = request.call_id or (
        new_call_id() if request.push_type == Push.Type.VOIP else ""
    )
    push_id = uuid.uuid4()
    kind = request.kind or KINDS[Push.Type(request.push_type)]
    outfit = _outfit_for(device, token, environment, kind, outfits)
    app = outfit.app
    life = life_of_kind(app, kind, request.push_type)
    start = now + request.wait
    free_at = wakes.next_free(device, start) if kind == Push.Kind.WAKE else start
    end = free_at + life
    return Push(
        id=push_id,
        device=device,
        token=token,
        app=app,
        origin=request.origin,
        push_type=request.push_type,
        kind=kind,
        environment=environment,
        topic=topic_of(token.bundle_id, request.push_type),
        priority=priority_of(request.push_type),
        collapse_id=_collapse_id(kind, call_id, push_id),
        payload=_payload(request, outfit.template, kind, call_id, life, now),
        call_id=call_id,
        created_at=now,
        due_at=free_at,
        reason=wakeups.WAITS if free_at > start else "",
        expires_at=end if request.until is None else min(end, request.until),
        resend_of=request.resend_of,
        requested_by=request.requested_by,
        api_token=request.api_token,
    )


def _token_for(request: PushRequest) -> PushToken:
    device, is_voip = request.device, request.push_type == Push.Type.VOIP
    kind = PushToken.Kind.VOIP if is_voip else PushToken.Kind.REMOTE
    holding = (
        device.holdings.filter(current=True, token__kind=kind)
        .select_related("token__health")
        .last()
    )
    if holding is None:
        told = gettext("%(aor)s has no %(kind)s token: %(why)s")
        why = _why_no_token(device)
        raise CannotSend(told % {"aor": device.aor, "kind": kind.value, "why": why})
    _refuse_troubled(request, holding.token)
    return holding.token


def _why_no_token(device: Device) -> str:
    if not device.pn_provider and not device.bundle_id:
        return gettext("its Contact carries no push parameters")
    if device.pn_provider and not device.environment:
        told = gettext("its push provider is %(provider)s, not APNs")
        return told % {"provider": device.pn_provider}
    rules = ", ".join(problem["rule"] for problem in device.problems)
    rules = rules or gettext("no such service in pn-param")
    return gettext("its newest REGISTER gives none (%(rules)s)") % {"rules": rules}


def _refuse_troubled(request: PushRequest, token: PushToken) -> None:
    """A dead token takes nothing; one in quarantine a call, and what a person tries."""
    health = getattr(token, "health", None)
    state = TokenHealth.State.VALID if health is None else health.state
    is_tried = request.push_type == Push.Type.VOIP or request.origin in OF_PERSONS
    if state == TokenHealth.State.RETIRED or (state in DOUBTED and not is_tried):
        told = gettext(
            "%(aor)s: Apple said %(reason)s of %(token)s; the next REGISTER with this token "
            "brings it back"
        )
        facts = {"reason": health.reason, "token": token.masked}
        raise CannotSend(told % {"aor": request.device.aor, **facts})


def _outfit_for(
    device: Device, token: PushToken, environment: str, kind: str, outfits: Outfits
) -> Outfit:
    outfit = outfits.of(token.bundle_id, environment, kind)
    if outfit is None:
        told = gettext("%(aor)s: no app is set up for %(bundle_id)s")
        raise CannotSend(told % {"aor": device.aor, "bundle_id": token.bundle_id})
    if not outfit.has_credential:
        told = gettext("%(aor)s: %(app)s has no credential for %(environment)s")
        facts = {"app": outfit.app.name, "environment": environment}
        raise CannotSend(told % {"aor": device.aor, **facts})
    return outfit


def _collapse_id(kind: str, call_id: str, push_id: uuid.UUID) -> str:
    """Alerts of one call show one notification; a Call-ID no header takes is not used."""
    if kind == Push.Kind.CALL:
        return ""
    is_of_a_call = kind in {Push.Kind.CALL_ALERT, Push.Kind.CALL_END}
    return call_id[:64] if is_of_a_call and HEADER.fullmatch(call_id) else str(push_id)


def _begin_ringing(requests: list[PushRequest], pushes: list[Push], now) -> None:
    """A call told by alert is told again as often as its Contact asks for."""
    for request, push in zip(requests, pushes, strict=True):
        interval = interval_of(push.device.contact)
        is_new = push.kind == Push.Kind.CALL_ALERT and not request.is_repeat
        if interval and is_new and push.call_id:
            Ringing.objects.create(
                push=push,
                interval_seconds=interval,
                next_at=now + timedelta(seconds=interval),
                until=now + push.app.late_window,
            )


def _payload(
    request: PushRequest, template: dict, kind: str, call_id: str, life: timedelta, now
) -> dict:
    values = Values(
        contact=request.device.contact,
        instance_id=request.device.instance_id or "",
        call_id=call_id,
        from_uri=request.from_uri,
        display_name=request.display_name,
        sent_at=now,
        ttl=int(life.total_seconds()),
        loc_key=request.loc_key,
        sound=request.sound,
        chat_room=request.chat_room,
    )
    try:
        return filled(template, kind, values)
    except TemplateError as error:
        raise CannotSend(f"{request.device.aor}: {error}") from error
