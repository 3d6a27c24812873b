"""Protect mode: what is held, what goes out as a trial, and what ends it."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from django.urls import reverse

from notifications import fleet
from notifications.models import Call, Ledger, Push, Reset
from notifications.outbox import PushRequest, enqueue
from notifications.protecting import Standing, protection
from registrations.models import Holding
from tests.factories import (
    MORNING,
    accepted_push,
    app,
    feed,
    push_token,
    registered_device,
    reinstall,
    sandbox_credential,
    sighting,
    token_of,
)
from tests.notifications import people
from tests.settling import at, ledger_of, settle, strike

LATER = MORNING + timedelta(hours=1)


def standing(**changes) -> Standing:
    facts = {"strikes": 2, "threshold": 3, "last_strike_at": MORNING}
    return Standing(**facts | changes)


@pytest.mark.parametrize(
    ("found", "holds", "rule"),
    [
        (standing(strikes=0), False, "off"),
        (standing(strikes=1), False, "off"),
        (standing(), True, "held"),
        (standing(strikes=7), True, "held"),
        (standing(strikes=0, threshold=1), False, "off"),
        (standing(strikes=1, threshold=1), True, "held"),
        (standing(opened_at=LATER), False, "opened"),
        (standing(opened_at=MORNING), True, "held"),
        (standing(is_released=True), False, "released"),
        (standing(opened_at=LATER, trials=frozenset({"c2"})), True, "trial_waits"),
        (standing(trials=frozenset({"c1"})), False, "trial"),
    ],
)
def test_a_push_is_held_one_strike_short_of_the_threshold(found, holds, rule):
    decided = protection(found, "c1")
    assert (decided.holds, decided.rule) == (holds, rule)


def test_nothing_is_ever_held_below_that():
    for threshold, opened, released in itertools.product(
        range(1, 11), (None, LATER), (True, False)
    ):
        for strikes in range(max(1, threshold - 1)):
            found = standing(
                strikes=strikes,
                threshold=threshold,
                opened_at=opened,
                is_released=released,
                trials=frozenset({"another"}),
            )
            assert not protection(found, "c1").holds


@pytest.fixture
def device(db):
    """A phone with two strikes, of an app in protect mode."""
    app(protect=True)
    sandbox_credential()
    feed("proxy")
    device = registered_device()
    strike(device, 0)
    strike(device, 100)
    assert ledger_of(device).strikes == 2
    return device


def call(device, seconds: float, call_id: str = "", origin="gateway") -> Push:
    request = PushRequest(
        device=device,
        push_type="voip",
        origin=origin,
        call_id=call_id or f"call-{seconds}",
        from_uri="sip:door@example.org",
    )
    return enqueue([request], at(seconds))[0]


def judged(push: Push, seconds: float) -> None:
    """APNs takes it at once, and the deadline passes."""
    moment = push.created_at
    Push.objects.filter(pk=push.pk).update(
        state="accepted", sent_at=moment, accepted_at=moment, ended_at=moment
    )
    settle(seconds)


def test_a_held_push_is_final_and_an_alert_goes_in_its_place(device):
    push = call(device, 200)
    assert (push.state, push.reason) == ("held", "ProtectMode")
    alert = Push.objects.get(origin="protect")
    assert (alert.push_type, alert.state, alert.call_id) == (
        "alert",
        "queued",
        push.call_id,
    )
    assert alert.collapse_id == push.call_id
    assert alert.payload["aps"]["alert"]["loc-key"] == "Missing call"
    settle(300)
    verdict = Call.objects.get(call_id=push.call_id)
    assert (verdict.verdict, verdict.rule) == ("not_counted", "held")
    assert ledger_of(device).strikes == 2


def test_without_a_remote_token_it_is_held_all_the_same(device):
    device.holdings.filter(token__kind="remote").delete()
    assert call(device, 200).state == "held"
    assert not Push.objects.filter(origin="protect").exists()


def test_protect_mode_is_off_unless_the_app_asks_for_it(device):
    app(protect=False)
    assert call(device, 200).state == "queued"


@pytest.mark.parametrize("origin", ["resend", "test", "command"])
def test_what_a_person_asks_for_goes_out(device, origin):
    assert call(device, 200, origin=origin).state == "queued"


def test_once_the_app_was_opened_one_call_is_the_trial_and_its_verdict_decides(device):
    sighting(device, at(250))
    settle(260)
    trial = call(device, 300, "trial")
    assert trial.state == "queued"
    assert call(device, 301, "trial").state == "queued", "the same call, again"
    assert call(device, 302, "other").state == "held"
    Push.objects.filter(call_id="trial").exclude(pk=trial.pk).delete()
    judged(trial, 360)
    assert ledger_of(device).strikes == 3
    assert call(device, 400).state == "held"


def test_a_background_push_that_launched_the_app_does_not_open_it(device):
    accepted_push(device, at(245), push_type="background")
    sighting(device, at(250))
    settle(260)
    assert ledger_of(device).last_sign_at == at(250), "it was seen alive all the same"
    assert call(device, 300).state == "held"
    sighting(device, at(400))
    settle(410)
    assert call(device, 420).state == "queued"


def test_who_taps_the_alert_in_its_place_has_opened_the_app(device):
    accepted_push(device, at(245), push_type="alert")
    sighting(device, at(250))
    settle(260)
    assert call(device, 300).state == "queued"


def test_an_answer_or_a_beacon_about_a_call_is_no_opening_and_one_of_the_foreground_is(
    device,
):
    sighting(device, at(250), "answer", call_id="unknown", code=180)
    sighting(device, at(251), "beacon", call_id="unknown")
    settle(260)
    assert call(device, 300).state == "held"
    sighting(device, at(310), "beacon")
    settle(320)
    assert call(device, 330).state == "queued"


def test_a_new_token_is_not_held(device):
    device.holdings.filter(token__kind="voip").update(current=False)
    Holding.objects.create(device=device, token=push_token(), since=at(150))
    assert call(device, 200).state == "queued"


def test_a_reinstall_under_the_same_token_ends_it(device):
    reinstall(device, at(210))
    settle(220)
    assert call(device, 230).state == "queued"


def test_a_trial_that_is_handled_ends_it(device):
    sighting(device, at(250))
    settle(260)
    trial = call(device, 300, "trial")
    sighting(device, at(303))
    judged(trial, 360)
    assert ledger_of(device).strikes == 0
    assert call(device, 400).state == "queued"


def test_after_the_release_time_one_call_is_the_trial(device):
    day = 24 * 3600 + 200
    settle(day)
    assert ledger_of(device).state == "released"
    assert call(device, day + 1, "one").state == "queued"
    assert call(device, day + 2, "two").state == "held"


def test_a_person_who_resets_the_strikes_ends_it(device):
    Reset.objects.create(token=token_of(device), at=at(210), reason="a new build")
    settle(220)
    assert call(device, 230).state == "queued"


def test_another_phone_is_not_held(device):
    other = registered_device()
    accepted_push(other, at(150))
    assert call(other, 200).state == "queued"


def test_the_pages_say_so(device):
    push, client = call(device, 200), people.browser_of("support")
    page = client.get(
        reverse("notifications:device", args=[device.pk])
    ).content.decode()
    assert "Protect mode holds VoIP pushes" in page
    page = client.get(reverse("notifications:push", args=[push.pk])).content.decode()
    assert "protect mode: one more unhandled push may block the app" in page
    Ledger.objects.update(strikes=0)
    page = client.get(
        reverse("notifications:device", args=[device.pk])
    ).content.decode()
    assert "Protect mode" not in page


def test_live_says_which_phones_are_shielded_and_what_was_held(device):
    held = call(device, 200)
    (row,) = fleet.Picture(at(210)).board
    assert (row.protection.holds, row.protection.rule) == (True, "held")
    (shown,) = [each for each in fleet.Picture(at(210)).feed if each.push == held]
    assert shown.words == "held by protect mode"
    chart = fleet.Picture(at(210)).outcomes
    assert ("mute", "Held by protect mode", 1) in chart.legend
    assert all(len(numbers) == len(chart.legend) for _, numbers in chart.rows)


def test_live_says_that_the_next_call_is_the_trial_once_the_app_was_opened(device):
    sighting(device, at(300))
    settle(400)
    (row,) = fleet.Picture(at(400)).board
    assert (row.protection.holds, row.protection.rule) == (False, "opened")


def test_live_says_nothing_of_it_where_the_app_does_not_ask_for_it(device):
    app(protect=False)
    (row,) = fleet.Picture(at(210)).board
    assert row.protection is None
    legend = fleet.Picture(at(210)).outcomes.legend
    assert "Held by protect mode" not in [name for _, name, _ in legend]
