"""Settling calls on rows: grouping, watermarks, late evidence, ledgers, rebuilding."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from notifications import handling, push_page
from notifications.models import Call, Ledger, Push
from registrations.models import Feed
from tests.factories import (
    accepted_push,
    app,
    feed,
    registered_device,
    sighting,
    token_of,
)
from tests.settling import at, ledger_of, settle, strike

pytestmark = pytest.mark.django_db


def test_a_register_of_the_same_device_handles_its_call(device):
    push = accepted_push(device, at(0))
    proof = sighting(device, at(1.9))
    settled = settle(3)
    call = Call.objects.get()
    push.refresh_from_db()
    assert push.sip_call == call
    assert (call.verdict, call.rule) == ("handled", "register")
    assert call.wake_time == timedelta(seconds=1.8)
    assert call.evidence == {
        "kind": "register",
        "moment": at(1.9).isoformat(),
        "skew_ms": 0,
        "feed": "proxy",
        "file": "/var/log/proxy.log",
        "position": proof.position,
        "line": "REGISTER sip:example.org SIP/2.0",
    }
    assert settled.judged == [call.pk]


def test_a_register_through_another_aor_with_the_same_voip_token_counts(device):
    other = registered_device(voip=token_of(device))
    accepted_push(device, at(0))
    sighting(other, at(2))
    settle(3)
    assert Call.objects.get().verdict == "handled"


def test_a_register_of_a_stranger_proves_nothing(device):
    accepted_push(device, at(0))
    sighting(registered_device(), at(2))
    settle(40)
    assert Call.objects.get().verdict == "unhandled"


def test_a_call_is_unhandled_only_after_the_feed_has_passed_its_deadline(device):
    accepted_push(device, at(0))
    settle(35)
    assert Call.objects.get().verdict == "awaited"
    settled = settle(36)
    call = Call.objects.get()
    assert (call.verdict, call.rule) == ("unhandled", "no_proof")
    assert settled.ledgers == [token_of(device).pk]
    assert ledger_of(device).strikes == 1


def test_a_stalled_feed_holds_the_verdict_and_is_named(device):
    push = accepted_push(device, at(0))
    Feed.objects.update(seen_until=at(10))
    handling.settle(at(50))
    call = Call.objects.get()
    assert call.verdict == "awaited"
    assert call.held_by == [{"feed": "proxy", "behind_seconds": 40, "why": "behind"}]
    push = push_page.rows().get(pk=push.pk)
    assert push_page.push(push, at(600))["held_by"][0]["why"] == "silent"
    sighting(device, at(5))
    settle(601)
    call.refresh_from_db()
    assert (call.verdict, call.held_by) == ("handled", [])
    assert not Ledger.objects.filter(strikes__gt=0).exists()


def test_a_call_held_a_second_longer_is_no_news(device):
    accepted_push(device, at(0))
    Feed.objects.update(seen_until=at(10))
    handling.settle(at(50))
    assert handling.settle(at(51)) == handling.Settled([], [])


def test_without_any_feed_nothing_is_unhandled(device):
    Feed.objects.all().update(enabled=False)
    accepted_push(device, at(0))
    settle(3600)
    call = Call.objects.get()
    assert call.verdict == "awaited"
    assert call.held_by == [{"feed": "", "behind_seconds": None, "why": "no feed"}]


def test_a_lagging_feed_that_never_saw_the_device_holds_nothing(device):
    sighting(device, at(-600), feed=Feed.objects.get(name="proxy"))
    accepted_push(device, at(0))
    Feed.objects.update(seen_until=at(40))
    feed("elsewhere", seen_until=at(-900))
    handling.settle(at(40))
    assert Call.objects.get().verdict == "unhandled"


def test_a_file_read_once_does_not_hold_verdicts_beside_a_followed_feed(device):
    Feed.objects.update(seen_until=at(40))
    feed("archive", seen_until=at(-90000), followed=False)
    accepted_push(device, at(0))
    handling.settle(at(40))
    assert Call.objects.get().verdict == "unhandled"


def test_proof_that_is_read_late_takes_the_strike_back(device):
    strike(device, 0)
    assert ledger_of(device).strikes == 1
    sighting(device, at(4))
    settled = settle(3000)
    assert Call.objects.get().verdict == "handled"
    assert settled.ledgers == [token_of(device).pk]
    assert ledger_of(device).strikes == 0


def test_a_strike_stands_when_a_lagging_feed_is_added_later(device):
    strike(device, 0)
    feed("new", seen_until=at(-900))
    handling.settle(at(60))
    assert Call.objects.get().verdict == "unhandled"


def test_several_pushes_of_one_call_are_one_verdict_and_one_strike(device):
    for seconds in (0, 5, 10):
        accepted_push(device, at(seconds), call_id="c1")
    settle(46)
    call = Call.objects.get()
    assert (call.pushes_accepted, call.verdict) == (3, "unhandled")
    assert (ledger_of(device).strikes, ledger_of(device).pushes) == (1, 3)


def test_a_push_that_joins_an_unhandled_call_opens_it_again(device):
    accepted_push(device, at(0), call_id="c1")
    settle(36)
    accepted_push(device, at(40), call_id="c1")
    settle(45)
    assert Call.objects.get().verdict == "awaited"
    sighting(device, at(50))
    settle(51)
    assert Call.objects.get().verdict == "handled"
    assert ledger_of(device).strikes == 0


def test_a_call_forked_to_two_phones_is_two_verdicts(device):
    other = registered_device()
    for phone in (device, other):
        accepted_push(phone, at(0), call_id="c1")
    sighting(device, at(2))
    settle(40)
    assert Call.objects.get(token=token_of(device)).verdict == "handled"
    assert Call.objects.get(token=token_of(other)).verdict == "unhandled"


def test_calls_apns_never_accepted_are_not_counted_and_cancelled_ones_have_none(device):
    for state in ("rejected", "unknown", "expired", "cancelled"):
        accepted_push(device, at(0), state=state)
    settle(40)
    rules = set(Call.objects.values_list("verdict", "rule"))
    assert rules == {
        ("not_counted", "rejected"),
        ("not_counted", "unknown"),
        ("not_counted", "expired"),
    }


def test_an_app_keeps_its_own_threshold_and_window(device):
    app(threshold=1, wake_window=timedelta(seconds=10))
    sighting(device, at(-60))
    accepted_push(device, at(0))
    settle(16)
    assert Call.objects.get().handle_by == at(10.1)
    assert Call.objects.get().verdict == "unhandled"
    assert ledger_of(device).threshold == 1


def test_a_remote_push_just_before_the_register_makes_it_ambiguous(device):
    accepted_push(device, at(0))
    accepted_push(device, at(5), push_type="alert")
    sighting(device, at(8))
    settle(40)
    call = Call.objects.get()
    assert (call.verdict, call.rule) == ("not_counted", "ambiguous")


def test_settling_twice_changes_nothing(device):
    strike(device, 0)
    assert settle(41) == handling.Settled([], [])


def test_a_round_beside_another_does_nothing(device):
    accepted_push(device, at(0))
    parameters = connection.get_connection_params()
    keep = {"host", "port", "user", "dbname", "password"}
    parameters = {key: parameters[key] for key in keep & parameters.keys()}
    with psycopg.connect(**parameters) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s, 0)", [handling.NAMESPACE])
        assert settle(40) == handling.Settled([], [])
    assert not Call.objects.exists()


def test_rebuilding_finds_nothing_different(device, capsys):
    for seconds in (0, 300, 900):
        strike(device, seconds)
        sighting(device, at(seconds + 200))
    other = registered_device()
    accepted_push(other, at(1000))
    sighting(other, at(1002))
    settle(1100)
    assert handling.rebuild(at(1100)) == handling.Settled([], [])
    call_command("settle")
    assert "verdicts" in capsys.readouterr().out


def test_rebuilding_mends_and_names_what_was_tampered_with(device, capsys):
    strike(device, 0)
    Ledger.objects.update(strikes=9, state="suspected")
    settled = handling.rebuild(at(60))
    assert settled.ledgers == [token_of(device).pk]
    assert ledger_of(device).strikes == 1
    Ledger.objects.update(strikes=9)
    call_command("rebuild_risk", processes=1)
    assert "0 verdicts, 1 ledgers and 0 sums differed" in capsys.readouterr().out


def test_the_same_evidence_in_any_batches_gives_the_same_ledger(device):
    facts = [(0, None), (300, 310), (600, None), (900, None)]
    other = registered_device()
    for sent, woke in facts:
        accepted_push(device, at(sent))
        if woke:
            sighting(device, at(woke))
        settle(sent + 60)
    for sent, _ in facts:
        accepted_push(other, at(sent))
        settle(sent + 60)
    sighting(other, at(310))
    settle(1000)
    assert Push.objects.filter(sip_call__isnull=True).count() == 0
    verdicts = [
        list(
            Call.objects.filter(token=token_of(phone))
            .order_by("sent_at")
            .values_list("verdict", flat=True)
        )
        for phone in (device, other)
    ]
    assert verdicts[0] == verdicts[1]
    assert ledger_of(device).strikes == ledger_of(other).strikes == 2
