"""What becomes of a push after a try."""

from datetime import UTC, datetime, timedelta

import pytest

from notifications.apns import Outcome, Result
from notifications.retrying import TRIES, Step, next_step

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def step(push_type, outcome, reason="", tries=1, life=timedelta(seconds=30), **more):
    return next_step(
        push_type=push_type,
        result=Result(outcome=outcome, reason=reason, **more),
        tries=tries,
        now=NOW,
        expires_at=NOW + life,
        jitter=0.5,
    )


def test_an_uncertain_voip_send_is_final():
    assert step("voip", Outcome.UNKNOWN).state == "unknown"


def test_an_uncertain_alert_is_tried_again_inside_its_life():
    again = step("alert", Outcome.UNKNOWN, life=timedelta(days=7))
    assert again.state == "queued"
    assert again.due_at > NOW


@pytest.mark.parametrize("push_type", ["voip", "alert", "background"])
def test_what_never_left_is_tried_again_until_the_tries_are_used_up(push_type):
    day = timedelta(days=1)
    assert step(push_type, Outcome.NOT_SENT, life=day).state == "queued"
    last = step(push_type, Outcome.NOT_SENT, tries=TRIES[push_type], life=day)
    assert last.state == "failed"


def test_no_try_is_planned_after_the_life_of_a_push():
    over = step("voip", Outcome.NOT_SENT, life=timedelta(milliseconds=100))
    assert over.state == "expired"


@pytest.mark.parametrize("push_type", ["voip", "alert", "background"])
def test_with_a_renewed_provider_token_it_leaves_at_once_inside_its_tries(push_type):
    told = Outcome.REJECTED, "ExpiredProviderToken"
    assert step(push_type, *told).state == "rejected"
    assert step(push_type, *told, is_renewed=True) == Step("queued", NOW)
    last = TRIES[push_type]
    assert step(push_type, *told, tries=last, is_renewed=True).state == "rejected"


def test_what_apns_asks_to_wait_is_waited_inside_the_life():
    day = timedelta(days=1)
    told = Outcome.REJECTED, "ServiceUnavailable"
    assert step("alert", *told, life=day, retry_after=90).due_at == NOW + 90 * SECOND
    soon = step("alert", *told, life=day, retry_after=0)
    assert soon == step("alert", *told, life=day)
    assert step("voip", *told, retry_after=60).state == "rejected"


def test_a_bad_token_is_never_tried_again():
    assert step("alert", Outcome.REJECTED, "BadDeviceToken").state == "rejected"


@pytest.mark.parametrize("push_type", ["alert", "background"])
def test_a_phone_that_got_too_many_is_tried_later_inside_the_life(push_type):
    day = timedelta(days=1)
    first = step(push_type, Outcome.REJECTED, "TooManyRequests", life=day)
    second = step(push_type, Outcome.REJECTED, "TooManyRequests", tries=2, life=day)
    assert first.state == second.state == "queued"
    assert second.due_at - NOW == 2 * (first.due_at - NOW)
    last = TRIES[push_type]
    over = step(push_type, Outcome.REJECTED, "TooManyRequests", tries=last, life=day)
    short = timedelta(seconds=1)
    late = step(push_type, Outcome.REJECTED, "TooManyRequests", life=short)
    assert over.state == late.state == "rejected"


def test_a_call_to_a_phone_that_got_too_many_is_over():
    assert step("voip", Outcome.REJECTED, "TooManyRequests").state == "rejected"


def test_a_busy_apns_is_asked_again_inside_the_life_of_the_call():
    assert step("voip", Outcome.REJECTED, "ServiceUnavailable").state == "queued"


def test_the_back_off_doubles():
    first = step("alert", Outcome.NOT_SENT, tries=1, life=timedelta(days=1))
    second = step("alert", Outcome.NOT_SENT, tries=2, life=timedelta(days=1))
    assert second.due_at - NOW == 2 * (first.due_at - NOW)


def test_an_outage_of_apns_shorter_than_a_calls_life_loses_no_call():
    waited = sum(
        (
            step("voip", Outcome.NOT_SENT, tries=tries, life=timedelta(days=1)).due_at
            - NOW
            for tries in range(1, TRIES["voip"])
        ),
        timedelta(0),
    )
    assert waited > timedelta(seconds=30)


def test_no_back_off_is_longer_than_a_quarter_of_an_hour():
    late = step("alert", Outcome.NOT_SENT, tries=15, life=timedelta(days=7))
    assert late.due_at - NOW == timedelta(minutes=15)
