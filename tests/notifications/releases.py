"""Judged calls of an app version, for tests of the Fleet page and its alarms."""

from __future__ import annotations

from datetime import datetime, timedelta

from notifications.models import Build, Call
from notifications.sums import recount
from registrations.models import Device
from tests.factories import registered_device, token_of

AGENT = "LinphoneiOS/{} ({}) LinphoneSDK/5.4"


def running(version: str, phone: str = "iPhone 13") -> Device:
    """A device whose User-Agent says so."""
    device = registered_device()
    device.user_agent = AGENT.format(version, phone)
    device.save()
    return device


def judged(
    now: datetime,
    version: str,
    unhandled: int,
    total: int,
    *,
    days: float = 0.1,
    phone: str = "iPhone 13",
) -> None:
    """So many calls to one phone of that version, `days` ago; the others woke in 1 to 2 s."""
    device = running(version, phone)
    build, _ = Build.objects.get_or_create(
        user_agent=device.user_agent,
        defaults={
            "name": "LinphoneiOS",
            "version": version,
            "phone": phone,
            "ios": "",
        },
    )
    token, sent_at = token_of(device), now - timedelta(days=days)
    facts = {
        "token": token,
        "pushes_accepted": 1,
        "sent_at": sent_at,
        "build": build,
        "created_at": now,
    }
    bad = [
        Call(call_id=f"{token.pk} bad {number}", verdict="unhandled", **facts)
        for number in range(unhandled)
    ]
    well = total - unhandled
    good = [
        Call(
            call_id=f"{token.pk} good {number}",
            verdict="handled",
            evidence={"moment": sent_at.isoformat()},
            wake_time=timedelta(seconds=1 + number / well),
            **facts,
        )
        for number in range(well)
    ]
    Call.objects.bulk_create([*bad, *good])
    recount()
