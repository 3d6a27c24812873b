"""The resend of a push, or a test push, with its audit row; and what its safety rests on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.utils.translation import gettext

from notifications import audit
from notifications.apns.push import token_kind
from notifications.models import Push
from notifications.outbox import CannotSend, PushRequest, enqueue
from notifications.resend_facts import facts_of, life_left
from notifications.safety import EXPIRED, MISSING, UNDO, Safety, is_safe
from registrations.models import Device

#: The same order by the same person within this time is one click, sent twice.
DOUBLE_CLICK = timedelta(seconds=10)
UNDER_WAY = (Push.State.QUEUED, Push.State.SENDING)


class WantsReason(CannotSend):
    """It is not safe, and nobody said why it should be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a person wants sent: a push again (`resend_of`), or a test push."""

    device: Device
    push_type: str
    reason: str
    by: AbstractBaseUser
    resend_of: Push | None = None
    wait: timedelta = UNDO


def send(order: Order, now: datetime) -> Push:
    """Queue it, with its audit row, in one transaction; a form sent twice sends once,
    and so do two people at the same push while the first resend of it has not left.

    Raises WantsReason when it is red and no reason was typed, CannotSend when nothing could
    be sent.
    """
    with transaction.atomic():
        device = Device.objects.select_for_update().get(pk=order.device.pk)
        return _already_sent(order, now) or _send(order, device, now)


def _already_sent(order: Order, now: datetime) -> Push | None:
    """The same order of the same person just now; or a resend by anybody that has not
    left yet, or is leaving.
    """
    same = Push.objects.filter(
        device=order.device,
        push_type=order.push_type,
        resend_of=order.resend_of,
        origin=_origin(order),
    )
    clicked = same.filter(
        requested_by=order.by, created_at__gt=now - DOUBLE_CLICK
    ).exclude(state=Push.State.CANCELLED)
    found = clicked.first()
    if found is None and order.resend_of is not None:
        found = same.filter(state__in=UNDER_WAY, expires_at__gt=now).first()
    return found


def _origin(order: Order) -> str:
    return Push.Origin.RESEND if order.resend_of else Push.Origin.TEST


def _send(order: Order, device: Device, now: datetime) -> Push:
    safety = _judge(order, device, now)
    old = order.resend_of
    rings = old is not None and life_left(old, order.push_type, now) is not None
    request = PushRequest(
        device=device,
        push_type=order.push_type,
        origin=_origin(order),
        resend_of=order.resend_of,
        requested_by=order.by,
        wait=order.wait,
        call_id=old.call_id if rings else "",
        from_uri=old.told("from-uri") if rings else "",
        display_name=old.told("display-name") if rings else "",
        until=old.expires_at if rings else None,
    )
    push = enqueue([request], now)[0]
    facts = {"push": str(push.pk), "type": order.push_type, "safety": safety.level}
    action = f"push.{_origin(order)}"
    audit.note(order.by, action, device.aor, now, reason=order.reason, **facts)
    return push


def _judge(order: Order, device: Device, now: datetime) -> Safety:
    asked = [order.push_type]
    facts = facts_of(device, asked, now, order.resend_of)[order.push_type]
    if not facts.is_current:
        told = gettext("%(aor)s has no %(kind)s token")
        names = {"aor": device.aor, "kind": token_kind(order.push_type)}
        raise CannotSend(told % names)
    safety = is_safe(facts)
    if facts.credential.state == EXPIRED:
        why = gettext("the certificate has expired: store a new one on Settings")
        raise CannotSend(f"{device.aor}: {why}")
    # Without a credential the outbox says what is missing: no reason would help.
    wants_reason = safety.level == "red" and facts.credential.state != MISSING
    if wants_reason and len(order.reason.strip()) < 5:
        raise WantsReason(
            gettext("This is not safe: type a reason of at least 5 characters.")
        )
    return safety
