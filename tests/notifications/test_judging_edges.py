"""The verdict's corners: clocks that differ, pushes sent again, open dialogs."""

from __future__ import annotations

from datetime import timedelta

from notifications.facts import PushFacts, Sign, Span
from tests.notifications.test_judging import (
    ACCEPTED,
    POLICY,
    SENT,
    answer,
    at,
    ruled,
    sign,
    verdict,
)

BEHIND = timedelta(seconds=4)


def test_evidence_counts_from_the_departure_less_the_measured_skew():
    assert ruled(sign(-3, slack=BEHIND)) == ("handled", "register")
    assert ruled(sign(-5, slack=BEHIND)) == ("exempt", "foreground")
    assert ruled(sign(-3)) == ("exempt", "foreground")


def test_the_foreground_window_ends_where_the_skew_begins():
    assert ruled(sign(-23, slack=BEHIND)) == ("exempt", "foreground")
    assert ruled(sign(-25, slack=BEHIND)) == ("unhandled", "no_proof")


def test_a_register_that_may_have_come_after_a_remote_push_is_ambiguous():
    assert ruled(sign(6, slack=BEHIND), remotes=[at(8)]) == ("not_counted", "ambiguous")
    assert ruled(sign(6), remotes=[at(8)]) == ("handled", "register")


def test_a_wake_time_is_never_negative():
    assert verdict(sign(-3, slack=BEHIND)).wake_time == timedelta()


def test_each_push_of_a_call_has_its_own_time():
    pushes = [
        PushFacts("accepted", SENT, ACCEPTED),
        PushFacts("accepted", at(600), at(600.1)),
    ]
    assert ruled(sign(20), pushes=pushes) == ("handled", "register")
    assert ruled(sign(620), pushes=pushes) == ("handled", "register")
    assert ruled(sign(60), pushes=pushes) == ("not_counted", "late")
    assert ruled(sign(300), pushes=pushes) == ("unhandled", "no_proof")


def test_an_unknown_push_is_no_strike_but_may_have_woken_the_phone():
    pushes = [
        PushFacts("unknown", SENT, None),
        PushFacts("accepted", at(10), at(10.1)),
    ]
    result = verdict(sign(2), pushes=pushes)
    assert (result.verdict, result.rule) == ("handled", "register")
    assert ruled(sign(2), pushes=pushes[:1]) == ("not_counted", "unknown")


def test_an_unknown_push_of_another_call_prompts_too():
    span = PushFacts("unknown", at(-15), None).span(POLICY)
    assert ruled(sign(-10), others=[span]) == ("unhandled", "no_proof")


def test_a_push_that_never_left_has_no_span():
    for state in ("rejected", "failed", "expired", "held"):
        assert PushFacts(state, SENT, None).span(POLICY) is None


def dialog(seconds: float, kind: str = "dialog", call_id: str = "talk") -> Sign:
    return sign(seconds, kind, call_id=call_id)


def test_a_device_on_a_call_is_exempt_whatever_it_does():
    talking = answer(-600, 200, call_id="talk")
    assert ruled(talking) == ("exempt", "on_call")
    assert ruled(talking, answer(2)) == ("exempt", "on_call")
    assert ruled(dialog(-600)) == ("exempt", "on_call")


def test_a_call_that_is_over_exempts_nothing():
    over = dialog(-60, "ended")
    assert ruled(dialog(-600), over) == ("unhandled", "no_proof")
    assert ruled(dialog(-600), dialog(60, "ended")) == ("exempt", "on_call")
    other = dialog(-60, "ended", call_id="another")
    assert ruled(dialog(-600), other) == ("exempt", "on_call")


def test_a_phone_that_only_rang_or_refused_is_on_no_call():
    for code in (180, 183, 486, 603):
        assert ruled(answer(-600, code, call_id="talk")) == ("unhandled", "no_proof")


def test_a_dialog_whose_end_was_never_read_is_over_after_two_hours():
    assert ruled(dialog(-7199)) == ("exempt", "on_call")
    assert ruled(dialog(-7201)) == ("unhandled", "no_proof")


def test_a_dialog_set_up_after_the_push_exempts_nothing():
    assert ruled(dialog(3), answer(2)) == ("handled", "answer")


def test_a_beacon_before_the_push_shows_an_open_app_and_a_prompted_one_does_not():
    assert ruled(sign(-5, "beacon")) == ("exempt", "foreground")
    earlier = [Span(at(-40), at(-10), at(50))]
    assert ruled(sign(-5, "beacon"), others=earlier) == ("unhandled", "no_proof")


def test_a_beacon_of_another_call_is_no_proof_of_this_one():
    assert ruled(sign(5, "beacon", call_id="c2")) == ("unhandled", "no_proof")
