"""What is wrong with the credentials of apps, for Live: read with the apps, in one question."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import F, FilteredRelation, Q

from notifications.expiry import NEAR, Warning, warning_of
from notifications.models import App

#: What stands beside an app of its credential.
BESIDE = ("environment", "pause_reason", "paused_until", "jump_at", "expires_at")


def apps_beside_trouble(now: datetime) -> list[App]:
    """Each app with its credential that is in trouble; twice where both are."""
    troubled = (
        ~Q(credentials__pause_reason="")
        | Q(credentials__jump_at__isnull=False)
        | Q(credentials__expires_at__lte=now + NEAR)
    )
    apps = App.objects.annotate(
        trouble=FilteredRelation("credentials", condition=troubled)
    )
    beside = {name: F(f"trouble__{name}") for name in BESIDE}
    return list(apps.annotate(**beside).order_by("name", "pk"))


def endings_of(rows: Iterable[App], now: datetime) -> list[tuple[App, Warning]]:
    """Those of `apps_beside_trouble` whose certificate ends soon, and what to say of it."""
    found = ((row, warning_of(row.expires_at, now)) for row in rows)
    return [(row, said) for row, said in found if said and said.days <= NEAR.days]
