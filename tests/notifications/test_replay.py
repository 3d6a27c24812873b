"""What-if: other settings over stored rows, and nothing changed by looking."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from notifications.facts import Policy
from notifications.models import App, Call, Ledger
from notifications.replay import replay
from tests import factories
from tests.settling import at, ledger_of, settle, strike

pytestmark = pytest.mark.django_db


def looked_at(other: Policy):
    return replay(App.objects.get(), other, at(-60), at(1200))


@pytest.fixture(autouse=True)
def _feed():
    factories.feed(seen_until=at(0))


@pytest.fixture
def asleep():
    """A phone that was seen alive before each of three calls, and left them unhandled."""
    device = factories.registered_device()
    for number in range(3):
        factories.sighting(device, at(number * 300 - 60))
        strike(device, number * 300)
    return device


def test_the_same_settings_flip_nothing(asleep):
    found = looked_at(Policy())
    assert (found.calls, found.tokens) == (3, 1)
    assert found.flips == found.moved == []


def test_a_higher_threshold_moves_the_token_and_no_verdict(asleep):
    found = looked_at(Policy(threshold=5))
    (moved,) = found.moved
    assert moved.was[1] == moved.becomes[1] == 3
    assert moved.was[0] != moved.becomes[0]
    assert found.flips == []


def test_a_wider_window_makes_a_late_wake_a_timely_one():
    device = factories.registered_device()
    factories.accepted_push(device, at(0))
    factories.sighting(device, at(45))
    settle(200)
    stored = Call.objects.get()
    found = looked_at(Policy(wake_window=timedelta(seconds=60)))
    (flip,) = found.flips
    assert flip.was == (stored.verdict, stored.rule)
    assert flip.becomes == ("handled", "register")


def test_both_sides_agree_with_what_settle_stored(asleep):
    other = factories.registered_device()
    factories.accepted_push(other, at(10))
    factories.sighting(other, at(13))
    settle(1200)
    found = looked_at(Policy(wake_window=timedelta(seconds=1), grace=timedelta(1)))
    for flip in found.flips:
        call = Call.objects.get(call_id=flip.call_id)
        assert flip.was == (call.verdict, call.rule)
    assert found.flips


def test_nothing_is_written(asleep):
    before = list(Call.objects.values()), list(Ledger.objects.values())
    looked_at(Policy(threshold=1, wake_window=timedelta(seconds=1)))
    assert before == (list(Call.objects.values()), list(Ledger.objects.values()))
    assert ledger_of(asleep).strikes == 3


def told(*options: str) -> str:
    out = StringIO()
    call_command("replay_risk", "--until", at(1200).isoformat(), *options, stdout=out)
    return out.getvalue()


def test_the_command_tells_what_would_differ(asleep):
    bundle = App.objects.get().bundle_id
    said = told("--app", bundle, "--threshold", "5")
    token = factories.token_of(asleep)
    assert f"token {token.masked}: " in said
    assert token.token not in said
    assert said.endswith("0 of 3 verdicts and 1 of 1 tokens would differ\n")
    row = json.loads(told("--app", bundle, "--threshold", "5", "--json"))
    assert row["calls"] == 3
    assert row["risks"][0]["was"][1] == 3


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--app", "org.nobody"], "no app org.nobody; there are: "),
        (["--app", factories.BUNDLE_ID, "--since", "soon"], "--since soon: takes"),
        (["--app", factories.BUNDLE_ID, "--until", "noon"], "--until noon: not an"),
        (["--app", factories.BUNDLE_ID, "--wake-window", "0"], "must be above 0"),
    ],
)
def test_a_wrong_option_is_named(options, why):
    factories.app()
    with pytest.raises(CommandError, match=why):
        call_command("replay_risk", *options)
