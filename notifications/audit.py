"""Writes the audit trail: one row in the transaction of what it tells of."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser

from notifications.models import AuditEntry


def note(
    actor: AbstractBaseUser,
    action: str,
    subject: str,
    now: datetime,
    *,
    reason: str = "",
    **detail: object,
) -> AuditEntry:
    """`actor` did `action` to `subject`."""
    return AuditEntry.objects.create(
        at=now,
        actor=actor,
        actor_name=actor.get_username(),
        action=action,
        subject=subject,
        reason=reason,
        detail=detail,
    )
