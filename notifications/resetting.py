"""A person starts the strikes of a voip token anew, with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from notifications import audit, live
from notifications.models import Reset
from registrations.models import Device, PushToken


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetOrder:
    """Whose strikes, as which device shows them, who wants it and why."""

    device: Device
    token: PushToken
    by: AbstractBaseUser
    reason: str


@transaction.atomic
def reset(order: ResetOrder, now: datetime) -> Reset:
    """Store it with its audit row; the ledger follows within a second."""
    token = order.token
    row = Reset.objects.create(token=token, at=now, by=order.by, reason=order.reason)
    audit.note(
        order.by,
        "strikes.reset",
        order.device.aor,
        now,
        reason=order.reason,
        token=token.masked,
    )
    transaction.on_commit(lambda: live.announce("resets", [token.pk]))
    return row
