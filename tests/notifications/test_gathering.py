"""What a round looks at: new facts of any age, feeds that caught up, and nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from notifications import handling
from notifications.models import Call, Reset, VerdictChange
from registrations.models import Feed, Reading
from registrations.readings import note_reading
from tests.factories import (
    accepted_push,
    feed,
    registered_device,
    sighting,
    token_of,
)
from tests.settling import at, ledger_of, settle, strike

pytestmark = pytest.mark.django_db
DAY = 24 * 3600


def test_proof_read_days_later_still_takes_the_strike_back(device):
    strike(device, 0)
    settle(3 * DAY)
    assert ledger_of(device).strikes == 1
    sighting(device, at(5))
    settled = settle(3 * DAY + 1)
    call = Call.objects.get()
    assert (call.verdict, settled.judged) == ("handled", [call.pk])
    assert ledger_of(device).strikes == 0


def test_a_remote_push_that_is_known_late_still_makes_a_proof_ambiguous(device):
    accepted_push(device, at(0))
    sighting(device, at(8))
    settle(3600)
    assert Call.objects.get().verdict == "handled"
    accepted_push(device, at(5), push_type="alert")
    settle(3601)
    assert Call.objects.get().rule == "ambiguous"


def test_a_call_that_is_known_late_takes_the_exemption_of_its_neighbour_back(device):
    accepted_push(device, at(0))
    sighting(device, at(-10))
    settle(60)
    assert Call.objects.get().rule == "foreground"
    accepted_push(device, at(-20))
    settle(61)
    verdicts = Call.objects.order_by("sent_at").values_list("verdict", flat=True)
    assert list(verdicts) == ["handled", "unhandled"]


def test_a_sign_of_life_read_late_witnesses_an_old_strike(device):
    for seconds in (0, 300, 600):
        strike(device, seconds)
    settle(DAY / 2)
    assert ledger_of(device).state == "silent"
    sighting(device, at(500))
    settle(DAY / 2 + 1)
    assert ledger_of(device).state == "suspected"


def test_an_overturned_verdict_is_kept_in_its_history(device):
    strike(device, 0)
    given_at = Call.objects.get().judged_at
    assert not VerdictChange.objects.exists()
    sighting(device, at(60))
    settle(100)
    sighting(device, at(5))
    settle(200)
    changes = VerdictChange.objects.values_list("verdict", "became", "became_rule")
    assert list(changes) == [
        ("unhandled", "not_counted", "late"),
        ("not_counted", "handled", "register"),
    ]
    first = VerdictChange.objects.first()
    assert (first.judged_at, first.at) == (given_at, at(100))
    with pytest.raises(DatabaseError), transaction.atomic():
        VerdictChange.objects.all()._raw_delete("default")


def test_the_first_verdict_of_a_call_is_no_change(device):
    accepted_push(device, at(0))
    settle(5)
    sighting(device, at(6))
    settle(7)
    assert not VerdictChange.objects.exists()


def test_a_call_waits_for_its_slowest_feed_and_is_judged_once_that_was_read(device):
    slow, quick = Feed.objects.get(), feed("quick", seen_until=at(100))
    for source in (slow, quick):
        sighting(device, at(-300), feed=source)
    accepted_push(device, at(0))
    Feed.objects.filter(pk=slow.pk).update(seen_until=at(20))
    handling.settle(at(100))
    assert Call.objects.get().waits_for == slow
    Feed.objects.filter(pk=quick.pk).update(seen_until=at(120))
    assert handling.settle(at(120)) == handling.Settled([], [])
    Feed.objects.filter(pk=slow.pk).update(seen_until=at(121))
    handling.settle(at(122))
    assert Call.objects.get().verdict == "unhandled"


def test_disabling_the_feed_a_call_waits_for_frees_it(device):
    quick = feed("quick", seen_until=at(100))
    for source in Feed.objects.all():
        sighting(device, at(-300), feed=source)
    accepted_push(device, at(0))
    Feed.objects.exclude(pk=quick.pk).update(seen_until=at(20))
    handling.settle(at(100))
    Feed.objects.exclude(pk=quick.pk).update(enabled=False)
    handling.settle(at(101))
    assert Call.objects.get().verdict == "unhandled"


def test_a_call_without_any_feed_is_judged_once_there_is_one(device):
    Feed.objects.update(enabled=False)
    accepted_push(device, at(0))
    settle(100)
    assert Call.objects.get().held_by[0]["why"] == "no feed"
    Feed.objects.update(enabled=True)
    settle(101)
    assert Call.objects.get().verdict == "unhandled"


def test_a_feed_whose_clock_is_ahead_is_believed_less_by_so_much(device):
    Feed.objects.update(skew=timedelta(seconds=20))
    accepted_push(device, at(0))
    settle(50)
    assert Call.objects.get().verdict == "awaited"
    sighting(device, at(45), skew_ms=20_000)
    settle(51)
    call = Call.objects.get()
    assert (call.verdict, call.wake_time) == ("handled", timedelta(seconds=24.9))
    assert call.evidence["skew_ms"] == 20_000


def test_a_feed_whose_clock_is_behind_shows_its_proof_before_the_push(device):
    accepted_push(device, at(0))
    sighting(device, at(-2), skew_ms=-4_000)
    settle(51)
    assert Call.objects.get().verdict == "handled"


def test_a_time_stamp_of_the_future_is_no_promise_to_have_read_so_far(device):
    accepted_push(device, at(0))
    Feed.objects.update(seen_until=at(7200), last_read_at=at(10))
    handling.settle(at(100))
    assert Call.objects.get().verdict == "awaited"


def test_a_round_without_news_asks_nothing_of_the_history(device):
    for seconds in range(0, 3000, 300):
        strike(device, seconds)
    with CaptureQueriesContext(
        connection,
    ) as few:
        assert settle(4000) == handling.Settled([], [])
    assert len(few) <= 16
    assert not any("registrations_sighting" in row["sql"] for row in few)


def test_readings_are_kept_for_a_day(device):
    old = sighting(device, at(0))
    note_reading(old.feed, [(old.device_id, None, old.moment)], at(DAY + 1))
    assert Reading.objects.count() == 1


def test_a_reset_is_counted_once(device):
    strike(device, 0)
    Reset.objects.create(token=token_of(device), at=at(100), reason="new phone")
    settle(101)
    assert ledger_of(device).state == "fine"
    assert Reset.objects.get().counted
    assert settle(102) == handling.Settled([], [])


def test_two_aors_of_one_app_share_their_calls_and_their_ledger(device):
    other = registered_device(voip=token_of(device))
    accepted_push(device, at(0), call_id="c1")
    accepted_push(other, at(1), call_id="c1")
    settle(40)
    call = Call.objects.get()
    assert (call.pushes_accepted, call.verdict) == (2, "unhandled")
    assert ledger_of(device) == ledger_of(other)
    assert (ledger_of(other).strikes, ledger_of(other).pushes) == (1, 2)
    sighting(other, at(20))
    settle(41)
    assert ledger_of(device).strikes == 0


def test_the_pushes_of_a_strike_that_nobody_answered_for_are_not_counted(device):
    accepted_push(device, at(0), call_id="c1")
    accepted_push(device, at(1), call_id="c1", state="unknown")
    settle(60)
    assert (ledger_of(device).strikes, ledger_of(device).pushes) == (1, 1)
    accepted_push(device, at(100), state="unknown")
    settle(160)
    assert ledger_of(device).strikes == 1
