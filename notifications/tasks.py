"""Wake-ups. A task carries no push: it says "look", the rows say what there is to do."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from notifications import (
    alarm_watch,
    delivery,
    expiry,
    handling,
    live,
    observed,
    releases,
    token_health,
)
from notifications.ownership import Owner

#: How long one wake-up may keep a worker; beat wakes the next.
BUDGET = timedelta(seconds=10)
OWNER = Owner(settings.VAR_DIR / "journal")


@shared_task(ignore_result=True)
def wake_voip() -> None:
    """Send the VoIP pushes that are due."""
    _drain(delivery.VOIP)


@shared_task(ignore_result=True)
def wake_bulk() -> None:
    """Send the alert and background pushes that are due."""
    _drain(delivery.BULK)


@shared_task(ignore_result=True)
def settle() -> None:
    """Judge the calls that are open, with the pushes that SIP servers sent by themselves;
    bring back tokens that were registered again.
    """
    token_health.revive()
    now = timezone.now()
    seen = observed.observe(now)
    if seen:
        live.announce("pushes", [str(push.pk) for push in seen])
    settled = handling.settle(now)
    if settled.judged or settled.ledgers:
        live.announce("verdicts", settled.judged)


@shared_task(ignore_result=True)
def watch_releases() -> None:
    """Look for app releases that stopped waking."""
    releases.watch(timezone.now())


@shared_task(ignore_result=True)
def watch_alarms() -> None:
    """Look which alarms stand, and how much each feed gives."""
    now = timezone.now()
    alarm_watch.watch(now)
    alarm_watch.measure(now)


@shared_task(ignore_result=True)
def watch_certificates() -> None:
    """Say once a stage that a certificate ends soon."""
    expiry.warn(timezone.now())


def _drain(push_types) -> None:
    try:
        for pushes in delivery.drain(push_types, OWNER, timezone.now, BUDGET):
            live.announce("pushes", [str(push.pk) for push in pushes])
    except Exception:
        OWNER.close()  # the rows in hand are brought home by the next drain
        raise
