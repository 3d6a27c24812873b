"""Takes pushes in: validates, writes the rows, wakes a worker once they are committed.

The rows are the queue. A lost wake-up costs a second: beat wakes the drain too, and the
lookout where Redis is away.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from kombu.exceptions import OperationalError

from notifications import tasks, wakeups
from notifications.apns import (
    priority_of,
    topic_of,
)
from notifications.models import ApiToken, Push, Ringing
from notifications.outfits import CannotSend, Outfits, token_for
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
#: RFC 9110 §5.5: what a header may hold.
HEADER = re.compile(r"[\x21-\x7e]+")
#: No wake-up is tried so long after one that Redis did not take.
SILENT_SECONDS = 5.0
logger = logging.getLogger(__name__)


class _Silent:
    """Until when, by the monotonic clock, this process wakes nobody."""

    until = 0.0


_silent = _Silent()


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
        transaction.on_commit(partial(wake, push_type))
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


def wake(push_type: str) -> None:
    """Tell a worker that rows wait. Redis may be away: then the lookout serves, and for a
    while nobody waits here to find out again.
    """
    if time.monotonic() < _silent.until:
        return
    task = tasks.wake_voip if push_type == Push.Type.VOIP else tasks.wake_bulk
    try:
        task.apply_async(retry=False, expires=30)
    except OperationalError as error:
        _silent.until = time.monotonic() + SILENT_SECONDS
        logger.warning("wake-up not sent", extra={"why": str(error)})


def _push_for(
    request: PushRequest, wakes: WakeUps, outfits: Outfits, now: datetime
) -> Push:
    device = request.device
    token = request.token or token_for(device, request.push_type, request.origin)
    environment = request.environment or environment_of(token)
    call_id = request.call_id or (
        new_call_id() if request.push_type == Push.Type.VOIP else ""
    )
    push_id = uuid.uuid4()
    kind = request.kind or KINDS[Push.Type(request.push_type)]
    outfit = outfits.for_push(device, token, environment, kind)
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
