"""The verdict on one call, by PRODUCT.md's rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from notifications.facts import CallFacts, Policy, PushFacts, Sign, Span
from notifications.judging import judge

SENT = datetime(2026, 11, 24, 12, tzinfo=UTC)
ACCEPTED = SENT + timedelta(seconds=0.1)
READ_PAST = SENT + timedelta(hours=1)
POLICY = Policy()


def at(seconds: float) -> datetime:
    return SENT + timedelta(seconds=seconds)


def sign(seconds: float, kind: str = "register", **values) -> Sign:
    return Sign(kind=kind, moment=at(seconds), **values)


def answer(seconds: float, code: int = 180, call_id: str = "c1") -> Sign:
    return sign(seconds, "answer", code=code, call_id=call_id)


def verdict(*signs, remotes=(), others=(), pushes=None, read_until=READ_PAST):
    pushes = pushes or [PushFacts("accepted", SENT, ACCEPTED)]
    call = CallFacts(
        call_id="c1", pushes=pushes, signs=signs, remotes=remotes, others=others
    )
    return judge(call, POLICY, read_until)


def ruled(*signs, **facts) -> tuple[str, str]:
    result = verdict(*signs, **facts)
    return result.verdict, result.rule


def test_a_register_within_the_wake_window_is_proof_with_its_wake_time():
    result = verdict(sign(1.9))
    assert (result.verdict, result.rule) == ("handled", "register")
    assert result.wake_time == timedelta(seconds=1.8)
    assert result.evidence["moment"] == at(1.9).isoformat()


def test_a_register_logged_before_the_answer_of_apns_is_a_wake_at_once():
    assert verdict(sign(0.05)).wake_time == timedelta()


def test_a_challenged_register_is_weaker_proof():
    assert ruled(sign(2, "challenged")) == ("handled", "challenged")
    assert ruled(sign(2, "challenged"), sign(3)) == ("handled", "register")


def test_an_answer_is_stronger_than_a_beacon_and_a_beacon_than_a_register():
    beacon = sign(2, "beacon", call_id="c1")
    assert ruled(sign(1), beacon, answer(3)) == ("handled", "answer")
    assert ruled(sign(1), beacon) == ("handled", "beacon")


def test_only_answers_of_a_phone_that_rang_prove():
    for code in (180, 183, 200, 486, 600, 603):
        assert ruled(answer(2, code)) == ("handled", "answer")
    for code in (100, 408, 480, 487, 503):
        assert ruled(answer(2, code)) == ("unhandled", "no_proof")


def test_an_answer_on_another_call_proves_nothing():
    assert ruled(answer(2, call_id="c2")) == ("unhandled", "no_proof")


def test_a_call_without_proof_waits_until_the_feeds_are_read_past_deadline_and_grace():
    assert ruled(read_until=at(35.05)) == ("awaited", "")
    assert ruled(read_until=at(35.1)) == ("unhandled", "no_proof")
    assert ruled(read_until=None) == ("awaited", "")


def test_a_late_answer_is_handled_and_a_late_register_is_not_counted():
    assert ruled(answer(60)) == ("handled", "late")
    assert ruled(sign(60, "beacon", call_id="c1")) == ("handled", "late")
    assert ruled(sign(60)) == ("not_counted", "late")
    assert ruled(sign(91)) == ("unhandled", "no_proof")


def test_a_register_after_a_remote_push_proves_neither():
    assert ruled(sign(10), remotes=[at(5)]) == ("not_counted", "ambiguous")
    assert ruled(sign(10), remotes=[at(-5)]) == ("handled", "register")
    assert ruled(sign(3), sign(10), remotes=[at(5)]) == ("handled", "register")


def test_a_stronger_proof_resolves_an_ambiguous_register_even_if_it_is_late():
    assert ruled(sign(10), answer(12), remotes=[at(5)]) == ("handled", "answer")
    assert ruled(sign(10), answer(60), remotes=[at(5)]) == ("handled", "late")


def test_an_app_that_was_open_is_exempt_whatever_it_did_then():
    assert ruled(sign(-19)) == ("exempt", "foreground")
    assert ruled(sign(-19), answer(2)) == ("exempt", "foreground")
    assert ruled(sign(-21), answer(2)) == ("handled", "answer")


def test_a_register_that_a_push_prompted_does_not_show_an_open_app():
    earlier = [Span(at(-40), at(-10), at(50))]
    assert ruled(sign(-10), others=earlier) == ("unhandled", "no_proof")
    assert ruled(sign(-10), remotes=[at(-15)]) == ("unhandled", "no_proof")


def test_several_pushes_of_a_call_count_from_the_first_to_the_newest_acceptance():
    pushes = [
        PushFacts("accepted", SENT, ACCEPTED),
        PushFacts("accepted", at(10), at(10.1)),
    ]
    assert ruled(sign(38), pushes=pushes) == ("handled", "register")
    assert ruled(pushes=pushes, read_until=at(40)) == ("awaited", "")


def test_a_call_apns_never_accepted_is_not_counted():
    for state in ("rejected", "unknown", "expired", "failed", "held"):
        pushes = [PushFacts(state, None, None)]
        assert ruled(sign(2), pushes=pushes) == ("not_counted", state)


def test_a_call_with_a_push_still_queued_is_awaited():
    pushes = [PushFacts("rejected", SENT, None), PushFacts("queued", None, None)]
    assert ruled(pushes=pushes) == ("awaited", "")


signs = st.builds(
    sign,
    st.integers(-40, 120),
    st.sampled_from(["register", "challenged"]),
) | st.builds(answer, st.integers(-40, 120), st.sampled_from([180, 200, 408]))
moments = st.integers(-60, 120).map(at)


@given(st.data(), st.lists(signs, max_size=5), st.lists(moments, max_size=3))
def test_the_order_in_which_evidence_arrives_changes_nothing(data, found, remotes):
    shuffled = data.draw(st.permutations(found))
    turned = data.draw(st.permutations(remotes))
    assert verdict(*found, remotes=remotes) == verdict(*shuffled, remotes=turned)


@given(st.lists(signs, max_size=5), st.lists(moments, max_size=3), moments)
def test_reading_further_only_ever_turns_awaited_into_unhandled(found, remotes, until):
    early = verdict(*found, remotes=remotes, read_until=until)
    late = verdict(*found, remotes=remotes)
    assert early == late or (early.verdict, late.verdict) == ("awaited", "unhandled")


@given(st.lists(signs, max_size=5), signs)
def test_one_more_sign_never_makes_a_strike(found, more):
    if verdict(*found).verdict != "unhandled":
        assert verdict(*found, more).verdict != "unhandled"


@given(st.lists(signs, max_size=5), st.lists(moments, max_size=3))
def test_handled_and_exempt_always_name_their_evidence(found, remotes):
    result = verdict(*found, remotes=remotes)
    if result.verdict in {"handled", "exempt"}:
        assert result.evidence is not None
