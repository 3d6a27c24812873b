"""The secrets of an app's beacons: made, kept sealed; and the count of what was heard."""

from __future__ import annotations

import secrets
from datetime import datetime

from django.db import transaction
from django.db.models import F

from notifications.credentials import seal, unseal
from notifications.models import App, BeaconCount, BeaconSecret

#: The newest, and the one before: apps in people's hands still have that.
KEPT = 2


@transaction.atomic
def make_secret(app: App, now: datetime) -> str:
    """A new secret; the one before still works, older ones do not. It is shown once."""
    secret = secrets.token_urlsafe(32)
    App.objects.select_for_update().get(pk=app.pk)
    BeaconSecret.objects.create(app=app, sealed=seal(secret), created_at=now)
    newest = app.beacon_secrets.order_by("-pk").values_list("pk", flat=True)[:KEPT]
    app.beacon_secrets.exclude(pk__in=list(newest)).delete()
    return secret


def secrets_of(app: App) -> list[str]:
    """The secrets that work, the newest first. Raises CredentialError."""
    return [unseal(row.sealed) for row in app.beacon_secrets.order_by("-pk")]


def count(app: App, outcome: str, now: datetime) -> None:
    """One more that ended so."""
    rows = BeaconCount.objects.filter(app=app, outcome=outcome)
    one_more = {"count": F("count") + 1, "last_at": now}
    if rows.update(**one_more) == 0:
        new = BeaconCount(app=app, outcome=outcome, count=0, last_at=now)
        BeaconCount.objects.bulk_create([new], ignore_conflicts=True)
        rows.update(**one_more)
