"""Words for tests that settle calls: moments in seconds, one strike, a ledger."""

from __future__ import annotations

from datetime import timedelta

from notifications import handling
from notifications.models import Ledger
from registrations.models import Feed
from tests.factories import (
    MORNING,
    accepted_push,
    token_of,
)


def at(seconds: float):
    return MORNING + timedelta(seconds=seconds)


def settle(seconds: float) -> handling.Settled:
    """A round at that second, the feeds read up to it."""
    Feed.objects.update(seen_until=at(seconds))
    return handling.settle(at(seconds))


def strike(device, seconds: float) -> None:
    accepted_push(device, at(seconds))
    settle(seconds + 40)


def ledger_of(device) -> Ledger:
    return Ledger.objects.get(token=token_of(device))
