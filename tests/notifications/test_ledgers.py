"""Ledgers on rows: runs, states, releases and resets as calls are settled."""

from __future__ import annotations

import pytest

from notifications import handling
from notifications.models import Call, Ledger, Reset
from registrations.models import Holding
from tests.factories import (
    accepted_push,
    push_token,
    reinstall,
    sighting,
    token_of,
)
from tests.settling import at, ledger_of, settle, strike

pytestmark = pytest.mark.django_db


def test_three_strikes_of_a_phone_seen_alive_are_suspected(device):
    for seconds in (0, 300, 900):
        strike(device, seconds)
        sighting(device, at(seconds + 200))
    ledger = ledger_of(device)
    assert (ledger.state, ledger.strikes, ledger.threshold) == ("suspected", 3, 3)
    assert [each["witnessed"] for each in ledger.run] == [False, True, True]
    witnessed = Call.objects.order_by("sent_at").values_list("witnessed", flat=True)
    assert list(witnessed) == [False, True, True]


def test_three_strikes_of_a_phone_never_seen_are_silent(device):
    for seconds in (0, 300, 600):
        strike(device, seconds)
    assert ledger_of(device).state == "silent"


def test_a_sign_of_life_alone_turns_silent_into_not_waking(device):
    strike(device, 0)
    assert ledger_of(device).state == "silent"
    sighting(device, at(300))
    settle(301)
    assert ledger_of(device).state == "not_waking"
    assert ledger_of(device).last_sign_at == at(300)


def test_the_clock_alone_releases_a_ledger(device):
    strike(device, 0)
    settle(24 * 3600)
    assert ledger_of(device).state == "released"


def test_a_run_goes_on_after_a_release_however_long_ago(device):
    strike(device, 0)
    strike(device, 40 * 24 * 3600)
    assert ledger_of(device).strikes == 2


def test_a_reinstall_and_a_persons_reset_restart_the_run(device):
    strike(device, 0)
    reinstall(device, at(100))
    settle(101)
    assert ledger_of(device).state == "fine"
    strike(device, 200)
    assert ledger_of(device).strikes == 1
    Reset.objects.create(token=token_of(device), at=at(300), reason="phone replaced")
    settle(301)
    assert ledger_of(device).state == "fine"


def test_a_released_ledger_is_reset_too_and_needs_no_rebuilding(device):
    strike(device, 0)
    sighting(device, at(300))
    settle(25 * 3600)
    sighting(device, at(26 * 3600))
    assert settle(27 * 3600) == handling.Settled([], [])
    assert handling.rebuild(at(27 * 3600)) == handling.Settled([], [])
    Reset.objects.create(token=token_of(device), at=at(27 * 3600), reason="checked")
    settle(27 * 3600 + 1)
    assert ledger_of(device).state == "fine"


def test_a_new_voip_token_starts_a_new_ledger(device):
    strike(device, 0)
    old = token_of(device)
    Holding.objects.filter(token=old).update(current=False, until=at(50))
    Holding.objects.create(device=device, token=push_token(), since=at(50))
    accepted_push(device, at(60))
    settle(100)
    assert ledger_of(device).strikes == 1
    assert Ledger.objects.get(token=old).strikes == 1
