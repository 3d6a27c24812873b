"""The wake-up of calls told by alert: beat says "look" each second."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from notifications import ringing


@shared_task(ignore_result=True)
def ring() -> None:
    """Tell calls again where they are due."""
    ringing.ring(timezone.now())
