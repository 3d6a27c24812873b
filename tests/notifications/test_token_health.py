"""What APNs' answers make of a token, and how it comes back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from notifications.apns import Outcome, Result
from notifications.models import TokenHealth, TokenHealthChange
from notifications.sending import Try
from notifications.token_health import note, revive, state_after
from registrations.models import Device
from tests.factories import MORNING, accepted_push, registered_device

NOON = MORNING + timedelta(hours=3)
EARLIER, LATER = NOON - timedelta(hours=1), NOON + timedelta(hours=1)


def answer(reason: str = "", *, gone_since=None) -> Result:
    if not reason:
        return Result(outcome=Outcome.ACCEPTED, status=200)
    return Result(outcome=Outcome.REJECTED, reason=reason, gone_since=gone_since)


@pytest.mark.parametrize(
    ("result", "registered_at", "state"),
    [
        (answer(), None, "valid"),
        (answer("Unregistered", gone_since=EARLIER), None, "retired"),
        (answer("Unregistered", gone_since=EARLIER), EARLIER, "retired"),
        (answer("Unregistered", gone_since=EARLIER), NOON, None),
        (answer("ExpiredToken", gone_since=NOON), EARLIER, "retired"),
        (answer("Unregistered"), EARLIER, "retired"),
        (answer("Unregistered"), LATER, None),
        (answer("BadDeviceToken"), LATER, "quarantined"),
        (answer("DeviceTokenNotForTopic"), LATER, "wrong_topic"),
        (answer("TooManyRequests"), None, None),
        (Result(outcome=Outcome.UNKNOWN), None, None),
    ],
)
def test_what_an_answer_says_of_a_token(result, registered_at, state):
    assert state_after(result, NOON, registered_at) == state


def told(device, *answers) -> TokenHealth:
    """The token's health after answers at these moments, noted at once."""
    push = accepted_push(device, MORNING)
    note([Try(push, at, at, result) for at, result in answers])
    return TokenHealth.objects.filter(token=push.token).first()


def history(health: TokenHealth) -> list[tuple[str, str, str]]:
    rows = TokenHealthChange.objects.filter(token=health.token)
    return list(rows.values_list("before", "after", "reason"))


def test_the_newest_answer_counts_in_whatever_order_they_are_noted(device):
    late = (LATER, answer("BadDeviceToken"))
    assert told(device, late, (NOON, answer())).state == "quarantined"
    assert told(device, (NOON, answer())).state == "quarantined"


def test_a_register_brings_a_refused_token_back_and_history_says_why(device):
    health = told(device, (NOON, answer("Unregistered", gone_since=NOON)))
    assert (health.state, health.reason) == ("retired", "Unregistered")
    assert revive() == 0
    Device.objects.filter(pk=device.pk).update(last_registered_at=LATER)
    assert revive() == 1
    health.refresh_from_db()
    assert (health.state, health.reason, health.at) == ("valid", "", LATER)
    assert history(health) == [
        ("valid", "retired", "Unregistered"),
        ("retired", "valid", "a REGISTER carried it again"),
    ]
    assert revive() == 0


def test_a_register_without_the_token_brings_nothing_back(device):
    told(device, (NOON, answer("BadDeviceToken")))
    Device.objects.filter(pk=device.pk).update(last_registered_at=LATER)
    device.holdings.update(missing_since=LATER)
    assert revive() == 0


def test_the_other_tokens_of_a_phone_are_left_alone(device):
    health = told(device, (NOON, answer("DeviceTokenNotForTopic")))
    assert TokenHealth.objects.count() == 1
    assert health.token.kind == "voip"
    assert not TokenHealth.objects.filter(
        token__holdings__device=registered_device()
    ).exists()


def test_an_accepted_push_ends_a_quarantine_and_is_remembered(device):
    told(device, (NOON, answer("BadDeviceToken")))
    health = told(device, (LATER, answer()))
    assert (health.state, health.last_accepted_at) == ("valid", LATER)
    health = told(device, (LATER + timedelta(1), answer("BadDeviceToken")))
    assert health.last_accepted_at == LATER
    assert [after for _, after, _ in history(health)] == [
        "quarantined",
        "valid",
        "quarantined",
    ]
