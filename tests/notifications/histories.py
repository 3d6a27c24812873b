"""Random histories of one phone as facts, and what is concluded of them in any order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from notifications.concluding import Conclusion, History, conclude
from notifications.facts import Policy, PushFacts, Sign, Told

START = datetime(2026, 11, 24, 9, tzinfo=UTC)
POLICY = Policy(release_after=timedelta(hours=2))
#: Everything lies in these seconds; afterwards the feeds were read past it all.
LENGTH = 3 * 3600
CALLS = ("c1", "c2", "c3", "c4", "c5")


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that happened, so many seconds after START."""

    kind: str
    second: int
    call_id: str = ""
    code: int | None = None
    skew: int = 0
    state: str = "accepted"

    @property
    def moment(self) -> datetime:
        return START + timedelta(seconds=self.second)


def facts() -> st.SearchStrategy[Fact]:
    """Pushes, all kinds of signs, remote pushes, resets and reinstalls."""
    # Close to each other, so that windows meet; and some hours apart.
    seconds = st.builds(
        lambda hour, second: hour * 3600 + second,
        st.sampled_from([0, 0, 0, 1, 2]),
        st.integers(0, 300),
    )
    states = st.sampled_from(["accepted"] * 6 + ["unknown", "rejected", "expired"])
    pushes = st.builds(
        Fact, st.just("push"), seconds, st.sampled_from(CALLS), state=states
    )
    answers = st.builds(
        Fact,
        st.just("answer"),
        seconds,
        st.sampled_from(CALLS),
        st.sampled_from([180, 200, 486, 487]),
        st.sampled_from([0, -4000, 3000]),
    )
    told = st.builds(
        Fact,
        st.sampled_from(["beacon", "dialog", "ended"]),
        seconds,
        st.sampled_from(CALLS),
    )
    registers = st.builds(
        Fact,
        st.sampled_from(["register", "challenged"]),
        seconds,
        skew=st.sampled_from([0, 0, -4000, 3000]),
    )
    others = st.builds(
        Fact, st.sampled_from(["remote", "remote", "reset", "reinstall"]), seconds
    )
    return pushes | pushes | registers | registers | answers | told | others


def history_of(known: Sequence[Fact]) -> History:
    """The facts as `concluding` takes them, in the order they are given."""
    pushes: dict[str, list[PushFacts]] = {}
    for fact in known:
        if fact.kind == "push":
            pushes.setdefault(fact.call_id, []).append(push_of(fact))
    return History(
        pushes=pushes,
        signs=[sign_of(fact) for fact in known if is_sign(fact)],
        remotes=[taken_at(fact) for fact in known if fact.kind == "remote"],
        resets=[fact.moment for fact in known if fact.kind in {"reset", "reinstall"}],
    )


def is_sign(fact: Fact) -> bool:
    return fact.kind not in {"push", "remote", "reset", "reinstall"}


def taken_at(fact: Fact) -> datetime:
    """APNs answers within 100 ms."""
    return fact.moment + timedelta(milliseconds=100)


def push_of(fact: Fact) -> PushFacts:
    left = fact.state in {"accepted", "unknown", "rejected"}
    accepted_at = taken_at(fact) if fact.state == "accepted" else None
    return PushFacts(fact.state, fact.moment if left else None, accepted_at)


def sign_of(fact: Fact) -> Sign:
    skew = timedelta(milliseconds=fact.skew)
    return Sign(
        kind=fact.kind,
        moment=fact.moment - max(skew, timedelta()),
        slack=max(-skew, timedelta()),
        call_id=fact.call_id,
        code=fact.code or 0,
        told=Told(fact.moment),
    )


def at_once(known: Sequence[Fact]) -> Conclusion:
    """What follows when everything is known."""
    end = START + timedelta(seconds=LENGTH)
    return conclude(history_of(known), POLICY, end, end)


def as_it_comes(batches: Sequence[Sequence[Fact]]) -> Conclusion:
    """What follows when it comes to be known bit by bit, the feeds once ahead, once behind."""
    known: list[Fact] = []
    before = None
    end = START + timedelta(seconds=LENGTH)
    for number, batch in enumerate(batches):
        known += batch
        read_until = end if number % 2 else START + timedelta(seconds=100)
        before = conclude(history_of(known), POLICY, read_until, end, before)
    return conclude(history_of(known), POLICY, end, end, before)


def told(conclusion: Conclusion) -> tuple:
    """Verdicts, strikes and state, to compare."""
    return sorted(conclusion.verdicts.items()), conclusion.risk
