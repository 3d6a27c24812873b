"""The wake-up of bulks: beat says "look" each second, the rows say what to do."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from notifications import bulk


@shared_task(ignore_result=True)
def work_off() -> None:
    """Do the next rows of every bulk that runs."""
    bulk.work_off(timezone.now())
