"""Is it safe to resend? A pure answer with reasons; and the resend with its audit row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import Exists, QuerySet
from django.utils.translation import gettext, ngettext

from notifications import audit
from notifications.apns.push import token_kind
from notifications.models import Push, TokenHealth
from notifications.outbox import CannotSend, PushRequest, enqueue
from notifications.wording import next_strike, number, struck
from registrations.models import Device, PushToken, Sighting

#: Tones that make an answer red.
RED = frozenset({"hot", "bad"})
JUST_NOW = timedelta(seconds=60)
#: The same order by the same person within this time is one click, sent twice.
DOUBLE_CLICK = timedelta(seconds=10)
#: What a person ordered waits so long for an undo.
UNDO = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: its tone, what was found, what that means."""

    tone: str
    title: str
    detail: str


@dataclass(frozen=True, slots=True)
class Safety:
    """`level` is green, amber or red; red needs a typed reason."""

    level: str
    checks: tuple[Check, ...]

    @property
    def against(self) -> Check | None:
        """The first thing that speaks against it, where the level is red."""
        return next((check for check in self.checks if check.tone in RED), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the answer rests on."""

    push_type: str
    strikes: int
    threshold: int
    is_bound: bool
    is_current: bool
    health: str
    health_reason: str
    resent_just_now: bool
    #: How long the call of the push to resend may ring on; None: it is over.
    life_left: timedelta | None = None


def is_safe(facts: Facts) -> Safety:
    """Green, amber or red, with every reason."""
    checks = [
        _strikes(facts),
        _rings(facts),
        _token(facts),
        _bound(facts),
        _again(facts),
    ]
    found = tuple(check for check in checks if check is not None)
    tones = {check.tone for check in found}
    level = "red" if tones & RED else "amber" if "warn" in tones else "green"
    return Safety(level, found)


def _strikes(facts: Facts) -> Check:
    if facts.push_type != Push.Type.VOIP:
        title = gettext("Cannot add a strike")
        return Check("ok", title, gettext("Only VoIP pushes count."))
    words = ngettext(
        "%(strikes)s VoIP push went unhandled.",
        "%(strikes)s VoIP pushes went unhandled in a row.",
        facts.strikes,
    ) % {"strikes": facts.strikes}
    if facts.strikes + 1 >= facts.threshold:
        title = next_strike(facts.strikes + 1, facts.threshold)
        warning = gettext("iOS will probably stop waking the app.")
        return Check("hot", title, f"{words} {warning}")
    if facts.strikes:
        return Check("warn", struck(facts.strikes, facts.threshold), words)
    return Check("ok", gettext("No strikes"), gettext("The newest calls woke the app."))


def _rings(facts: Facts) -> Check | None:
    if facts.push_type != Push.Type.VOIP:
        return None
    if facts.life_left is not None:
        detail = gettext(
            "%(seconds)s s of its life are left. The resend keeps its Call-ID: it is the "
            "same call, with one verdict."
        ) % {"seconds": number(facts.life_left.total_seconds())}
        return Check("ok", gettext("The call still rings"), detail)
    detail = gettext(
        "It is a test call with a Call-ID of its own: nobody is there when it is taken."
    )
    return Check("warn", gettext("The phone will ring"), detail)


def _token(facts: Facts) -> Check:
    if not facts.is_current:
        return Check(
            "bad",
            gettext("The token was replaced"),
            gettext("A newer REGISTER carries another."),
        )
    if facts.health == TokenHealth.State.RETIRED:
        said = gettext("APNs said %(reason)s.") % {"reason": facts.health_reason}
        return Check("bad", gettext("The token is gone"), said)
    if facts.health in {TokenHealth.State.QUARANTINED, TokenHealth.State.WRONG_TOPIC}:
        said = gettext("It said %(reason)s.") % {"reason": facts.health_reason}
        return Check("warn", gettext("APNs refused the token"), said)
    return Check(
        "ok",
        gettext("The token is current"),
        gettext("It stands in the newest REGISTER."),
    )


def _bound(facts: Facts) -> Check:
    if facts.is_bound:
        return Check(
            "ok",
            gettext("The device is registered"),
            gettext("Its binding has not expired."),
        )
    return Check(
        "warn",
        gettext("The device is not registered"),
        gettext("De-registered or expired."),
    )


def _again(facts: Facts) -> Check | None:
    if not facts.resent_just_now:
        return None
    return Check(
        "hot",
        gettext("Sent less than a minute ago"),
        gettext("Wait for what becomes of it."),
    )


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
    )
    row = found.get(pk=token.pk)
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
    )


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
    """Queue it, with its audit row, in one transaction; a form sent twice sends once.

    Raises CannotSend when it is red and no reason was typed, or nothing could be sent.
    """
    with transaction.atomic():
        device = Device.objects.select_for_update().get(pk=order.device.pk)
        return _already_sent(order, now) or _send(order, device, now)


def _already_sent(order: Order, now: datetime) -> Push | None:
    return Push.objects.filter(
        device=order.device,
        push_type=order.push_type,
        resend_of=order.resend_of,
        origin=_origin(order),
        requested_by=order.by,
        created_at__gt=now - DOUBLE_CLICK,
    ).first()


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
    kind = token_kind(order.push_type)
    holding = device.holdings.filter(current=True, token__kind=kind).last()
    if holding is None:
        told = gettext("%(aor)s has no %(kind)s token")
        raise CannotSend(told % {"aor": device.aor, "kind": kind})
    token = holding.token
    facts = facts_of(device, token, order.push_type, now, order.resend_of)
    safety = is_safe(facts)
    if safety.level == "red" and len(order.reason.strip()) < 5:
        raise CannotSend(
            gettext("This is not safe: type a reason of at least 5 characters.")
        )
    return safety
