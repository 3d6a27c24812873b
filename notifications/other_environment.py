"""A quarantined token may be one of the other environment: a person's push there finds out.

APNs' answer decides (`token_health`): accepted, and the token is of that environment from then
on; refused, and it stays where it is.
"""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.utils.translation import gettext

from notifications import audit
from notifications.models import Push, TokenHealth
from notifications.outbox import CannotSend, PushRequest, enqueue
from notifications.token_health import environment_of
from registrations.models import Device, Environment, PushToken


def other_than(environment: str) -> str:
    """Apple has two."""
    if environment == Environment.PRODUCTION:
        return Environment.SANDBOX
    return Environment.PRODUCTION


def try_other(
    device: Device, token: PushToken, by: AbstractBaseUser, now: datetime
) -> Push:
    """Queue one push to the other environment, with its audit row.

    A VoIP token is rung; any other gets a background push, which shows nothing. Raises
    CannotSend when the token is not quarantined or the app has no credential there.
    """
    with transaction.atomic():
        health = TokenHealth.objects.select_for_update().filter(token=token).first()
        if health is None or health.state != TokenHealth.State.QUARANTINED:
            told = gettext("%(token)s is not quarantined.")
            raise CannotSend(told % {"token": token.masked})
        there = other_than(environment_of(token))
        is_voip = token.kind == PushToken.Kind.VOIP
        request = PushRequest(
            device=device,
            push_type=Push.Type.VOIP if is_voip else Push.Type.BACKGROUND,
            origin=Push.Origin.TEST,
            token=token,
            environment=there,
            requested_by=by,
        )
        push = enqueue([request], now)[0]
        facts = {"token": token.masked, "environment": there, "push": str(push.pk)}
        audit.note(by, "token.other_environment", device.aor, now, **facts)
    return push
