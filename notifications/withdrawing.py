"""Withdrawing a push that has not left: a person's decision, final."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from notifications import audit
from notifications.ending import end_waiting
from notifications.models import Push


@transaction.atomic
def withdraw(push: Push, by: AbstractBaseUser, now: datetime) -> bool:
    """Cancel it with its audit row; False when a worker has it, or it has ended. One whose
    earlier try may have left is not tried again and ends as `unknown`.
    """
    rows = Push.objects.filter(pk=push.pk)
    done = end_waiting(rows, Push.State.CANCELLED, "withdrawn by a person", now)
    if done:
        audit.note(by, "push.withdraw", push.device.aor, now, push=str(push.pk))
    return bool(done)
