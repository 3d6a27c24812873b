"""Counts of judged calls by hour and day follow the verdicts, and can be made anew."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest

from notifications import handling
from notifications.handling import settle
from notifications.models import Call, CallCount, WakeCount
from notifications.sums import recount
from registrations.models import Feed
from tests import factories
from tests.factories import accepted_push
from tests.settling import at, strike

pytestmark = pytest.mark.django_db


def counted(size: str) -> dict:
    """(start, verdict, rule) → calls, of what is not nothing."""
    rows = CallCount.objects.filter(size=size).exclude(calls=0)
    return {(row.start, row.verdict, row.rule): row.calls for row in rows}


def test_a_verdict_is_counted_once_it_is_given(device):
    push = accepted_push(device, at(0))
    settle(at(1))
    assert not CallCount.objects.exists()
    Feed.objects.update(seen_until=at(100))
    settle(at(100))
    call = Call.objects.get(call_id=push.call_id)
    hour = call.sent_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    assert counted("hour") == {(hour, "unhandled", "no_proof"): 1}
    assert counted("day") == {(hour.replace(hour=0), "unhandled", "no_proof"): 1}


def test_a_verdict_that_is_overturned_moves_to_the_other_sum(device):
    strike(device, 0)
    factories.sighting(device, at(10))
    settle(at(200))
    call = Call.objects.get()
    assert call.verdict == "handled"
    assert [key[1:] for key in counted("hour")] == [("handled", call.rule)]
    woken = WakeCount.objects.get(size="day", calls__gt=0)
    assert timedelta(seconds=woken.tenth / 10) >= call.wake_time
    assert recount() == 0


def test_a_rebuild_mends_sums_and_says_how_many(device):
    strike(device, 0)
    strike(device, 300)
    CallCount.objects.filter(size="day").update(calls=7)
    CallCount.objects.filter(size="hour").delete()
    assert handling.rebuild(at(900)) == handling.Settled([], [], 2)
    assert list(counted("day").values()) == [2]
    assert handling.rebuild(at(900)) == handling.Settled([], [], 0)
