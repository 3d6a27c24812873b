"""The strike ledger of one voip token, by PRODUCT.md's rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.facts import Policy, Sign, Span
from notifications.risk import JudgedCall, ledger, signs_of_life

START = datetime(2026, 11, 24, 12, tzinfo=UTC)
POLICY = Policy()


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def call(minutes: float, verdict: str = "unhandled", pushes: int = 1) -> JudgedCall:
    return JudgedCall(
        call=int(minutes),
        call_id=f"call-{minutes}",
        sent_at=at(minutes),
        verdict=verdict,
        pushes=pushes,
        ended_at=at(minutes + 0.1) if verdict == "handled" else None,
    )


def risk(*calls, signs=(), resets=(), now=200, policy=POLICY):
    return ledger(
        calls, [at(m) for m in signs], [at(m) for m in resets], policy, at(now)
    )


STRIKES = (call(0), call(30), call(60))


def test_no_calls_are_fine():
    assert risk().state == "fine"


def test_each_unhandled_call_is_one_strike_with_its_pushes():
    result = risk(call(0, pushes=3), call(30))
    assert [strike.pushes for strike in result.run] == [3, 1]


def test_strikes_without_a_sign_since_the_first_are_silent():
    assert risk(call(0), signs=[-5]).state == "silent"
    assert risk(*STRIKES, signs=[-5]).state == "silent"


def test_a_phone_seen_since_its_first_strike_is_not_waking():
    assert risk(call(0), signs=[10]).state == "not_waking"


def test_the_threshold_with_a_witnessed_strike_is_suspected():
    result = risk(*STRIKES, signs=[50])
    assert result.state == "suspected"
    assert [strike.witnessed for strike in result.run] == [False, False, True]


def test_a_sign_longer_ago_than_the_reach_window_witnesses_nothing():
    assert risk(*STRIKES, signs=[44]).state == "silent"
    assert risk(*STRIKES, signs=[45]).state == "suspected"


def test_a_phone_that_was_off_for_three_calls_and_is_back_is_not_suspected():
    assert risk(*STRIKES, signs=[-1, 70, 80]).state == "silent"


def test_only_handled_ends_a_run_and_the_others_are_passed_over():
    for verdict in ("exempt", "not_counted", "awaited"):
        assert len(risk(call(0), call(10, verdict), call(20)).run) == 2
    assert len(risk(call(0), call(10, "handled"), call(20)).run) == 1


def test_a_run_that_ended_by_proof_is_recovered_for_a_day():
    calls = (*STRIKES, call(90, "handled"))
    result = risk(*calls, now=100)
    assert (result.state, result.recovered_strikes) == ("recovered", 3)
    assert result.next_change_at == at(90.1 + 24 * 60)
    assert risk(*calls, now=90.1 + 24 * 60).state == "fine"


def test_a_run_is_released_a_day_after_its_last_strike():
    result = risk(*STRIKES, signs=[50], now=100)
    assert result.next_change_at == at(60 + 24 * 60)
    assert risk(*STRIKES, signs=[50], now=60 + 24 * 60).state == "released"


def test_after_release_the_count_goes_on_where_it_stopped_or_ends_by_proof():
    day = 24 * 60
    result = risk(*STRIKES, call(day + 100), signs=[day + 95], now=day + 101)
    assert (len(result.run), result.state) == (4, "suspected")
    assert risk(*STRIKES, call(day + 100, "handled"), now=day + 101).state == (
        "recovered"
    )


def test_a_reset_restarts_the_run_and_is_no_recovery():
    assert risk(*STRIKES, resets=[70]).state == "fine"
    assert len(risk(*STRIKES, call(90), resets=[70]).run) == 1


@pytest.mark.parametrize("threshold", range(1, 11))
def test_any_threshold_from_one_to_ten_is_kept(threshold):
    policy = Policy(threshold=threshold)
    calls = [call(10 * number) for number in range(threshold + 1)]
    signs = [10 * number + 5 for number in range(threshold + 1)]
    below = risk(*calls[: threshold - 1], signs=signs, policy=policy)
    assert below.state == ("not_waking" if threshold > 1 else "fine")
    assert risk(*calls, signs=signs, policy=policy).state == "suspected"


SPAN = Span(at(0), at(0.5), at(1.5))


def alive(*signs, remotes=()):
    return signs_of_life(signs, [at(m) for m in remotes], [SPAN])


def register(minutes: float, kind: str = "register", **values) -> Sign:
    return Sign(kind=kind, moment=at(minutes), **values)


def test_signs_of_life_are_what_no_voip_push_prompted():
    assert alive(register(1), register(3), register(-2)) == [at(-2), at(3)]
    assert alive(register(3, "challenged"), register(4, "beacon")) == [at(3), at(4)]


def test_an_answered_remote_push_is_a_sign_of_life_by_its_register_alone():
    assert alive(register(1), remotes=[0.8]) == [at(1)]
    assert alive(register(1), remotes=[0.4]) == []
    assert alive(register(1, "beacon"), remotes=[0.8]) == []
    assert alive(register(1, "answer", code=180), remotes=[0.8]) == []


def test_only_answers_a_phone_gives_itself_show_that_it_lives():
    assert alive(register(3, "answer", code=486)) == [at(3)]
    for code in (100, 408, 480, 487, 503):
        assert alive(register(3, "answer", code=code)) == []
    assert alive(register(3, "dialog"), register(3, "ended")) == []


calls = st.lists(
    st.builds(
        call,
        st.integers(0, 3000),
        st.sampled_from(["unhandled", "handled", "exempt", "not_counted"]),
        st.integers(1, 3),
    ),
    max_size=8,
    unique_by=lambda made: made.call_id,
)
minutes = st.lists(st.integers(-100, 3100), max_size=5)


@given(st.data(), calls, minutes, minutes, st.integers(0, 5000))
def test_the_order_of_calls_signs_and_resets_changes_nothing(
    data, made, signs, resets, now
):
    straight = risk(*made, signs=signs, resets=resets, now=now)
    turned = risk(
        *data.draw(st.permutations(made)),
        signs=data.draw(st.permutations(signs)),
        resets=data.draw(st.permutations(resets)),
        now=now,
    )
    assert straight == turned


@given(calls, minutes, minutes, st.integers(3100, 9000))
def test_nothing_changes_with_time_before_the_announced_moment(
    made, signs, resets, now
):
    first = risk(*made, signs=signs, resets=resets, now=now)
    if first.next_change_at is not None:
        just_before = first.next_change_at - timedelta(seconds=1)
        minute = (just_before - START) / timedelta(minutes=1)
        if minute > now:
            again = risk(*made, signs=signs, resets=resets, now=minute)
            assert again == first


@given(calls, minutes)
def test_suspected_always_rests_on_the_threshold_and_a_witnessed_strike(made, signs):
    result = risk(*made, signs=signs, now=3100)
    if result.state == "suspected":
        assert len(result.run) >= POLICY.threshold
        assert any(strike.witnessed for strike in result.run)
