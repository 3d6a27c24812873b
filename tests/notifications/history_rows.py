"""Random histories as rows: settled bit by bit, rebuilt, and concluded purely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from notifications import handling
from notifications.models import Call, Ledger, Push, Reset
from registrations.models import Device, Feed
from tests import factories
from tests.notifications.histories import (
    LENGTH,
    POLICY,
    START,
    Fact,
    at_once,
    is_sign,
    taken_at,
)

END = START + timedelta(seconds=LENGTH)
FEEDS = ("proxy", "edge")


@dataclass(frozen=True, slots=True)
class Told:
    """What is compared: (Call-ID, verdict, rule), and state, strikes, witnessed, sign."""

    verdicts: list[tuple]
    ledger: tuple


class Phone:
    """One app with two AORs, shown by two feeds."""

    def __init__(self) -> None:
        factories.app(release_after=POLICY.release_after)
        for name in FEEDS:
            factories.feed(name, seen_until=START)
        first = factories.registered_device()
        self.token = factories.token_of(first)
        second = factories.registered_device(voip=self.token)
        self.devices: list[Device] = [first, second]

    def take(self, facts: Sequence[Fact]) -> None:
        """Store these facts, as they come to be known."""
        for fact in facts:
            self._take(fact)

    def _take(self, fact: Fact) -> None:
        device = self.devices[fact.second % 2]
        if fact.kind == "push":
            push = factories.accepted_push(
                device, fact.moment, call_id=fact.call_id, state=fact.state
            )
            assert push.accepted_at in (None, taken_at(fact))
        elif fact.kind == "remote":
            factories.accepted_push(device, fact.moment, push_type="alert")
        elif fact.kind == "reset":
            Reset.objects.create(token=self.token, at=fact.moment, reason="checked")
        elif fact.kind == "reinstall":
            factories.reinstall(device, fact.moment)
        elif is_sign(fact):
            factories.sighting(
                device,
                fact.moment,
                fact.kind,
                call_id=fact.call_id,
                code=fact.code,
                skew_ms=fact.skew,
                feed=Feed.objects.get(name=FEEDS[fact.second % 3 % 2]),
            )

    def told(self) -> Told:
        """What the rows say."""
        calls = Call.objects.filter(token=self.token)
        ledger = Ledger.objects.filter(token=self.token).first()
        return Told(
            sorted(calls.values_list("call_id", "verdict", "rule")),
            _of_row(ledger) if ledger else ("fine", [], None),
        )


def as_it_comes(batches: Sequence[Sequence[Fact]]) -> Told:
    """Rows settled after each batch, one feed or the other behind; at last both are read."""
    phone = Phone()
    for number, batch in enumerate(batches):
        phone.take(batch)
        Feed.objects.update(seen_until=END)
        behind = Feed.objects.filter(name=FEEDS[number % 2])
        behind.update(seen_until=START + timedelta(seconds=100))
        handling.settle(END)
    Feed.objects.update(seen_until=END)
    handling.settle(END)
    told = phone.told()
    assert handling.settle(END) == handling.Settled([], [])
    assert handling.rebuild(END) == handling.Settled([], []), told
    assert not Push.objects.filter(gathered=False).exists()
    return told


def concluded(known: Sequence[Fact]) -> Told:
    """The same by the pure rules."""
    conclusion = at_once(known)
    verdicts = sorted(
        (call_id, verdict.verdict, verdict.rule)
        for call_id, verdict in conclusion.verdicts.items()
    )
    risk = conclusion.risk
    run = [(strike.call_id, strike.pushes, strike.witnessed) for strike in risk.run]
    return Told(verdicts, (risk.state, run, risk.last_sign_at))


def _of_row(ledger: Ledger) -> tuple:
    run = [(row["call_id"], row["pushes"], row["witnessed"]) for row in ledger.run]
    return ledger.state, run, ledger.last_sign_at
