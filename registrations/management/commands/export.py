"""`manage.py export devices`: one JSON object a device."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

from django.core.management.base import BaseCommand
from django.db.models import Max, Prefetch

from registrations.models import Device, Feed, Holding

CHUNK = 2000


class Command(BaseCommand):
    help = "Print every device as one JSON object a line, its tokens in clear."

    def add_arguments(self, parser) -> None:
        parser.add_argument("what", choices=["devices"])

    def handle(self, **options) -> None:
        for row in device_rows():
            self.stdout.write(json.dumps(row, ensure_ascii=False))


def device_rows() -> Iterator[dict]:
    """Every device as the contract of `export devices` has it, in the order first seen."""
    read_until = Feed.objects.aggregate(newest=Max("seen_until"))["newest"]
    holdings = Prefetch(
        "holdings", Holding.objects.select_related("token").order_by("id")
    )
    devices = Device.objects.order_by("id").prefetch_related(holdings)
    for device in devices.iterator(chunk_size=CHUNK):
        yield device_row(device, read_until)


def device_row(device: Device, read_until: datetime | None) -> dict:
    """One device; `bound` is at `read_until`, the last moment read."""
    holdings = list(device.holdings.all())
    # What the newest REGISTER carried: a token it lacks may yet turn out not to be lost.
    current = {
        row.token.kind: row.token.token
        for row in holdings
        if row.current and row.missing_since is None
    }
    return {
        "aor": device.aor,
        "instance_id": device.instance_id,
        "bound": is_bound(device, read_until),
        "contact": device.contact,
        "user_agent": device.user_agent,
        "team_id": device.team_id or None,
        "bundle_id": device.bundle_id or None,
        "environment": device.environment or None,
        "tokens": current,
        "token_history": [_held(row) for row in holdings],
        "last_registered_at": _iso(device.last_registered_at),
        "expires_at": _iso(device.expires_at),
        "problems": device.problems,
    }


def is_bound(device: Device, at: datetime | None) -> bool:
    """Bound, and not expired at that moment where the log has times."""
    is_over = device.expires_at and at and device.expires_at <= at
    return device.bound and not is_over


def _held(holding: Holding) -> dict:
    token = holding.token
    return {
        "kind": token.kind,
        "token": token.token,
        "environment": token.environment,
        "bundle_id": token.bundle_id,
        "since": _iso(holding.since),
        "until": _iso(holding.until),
        "current": holding.current,
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at else None
