"""The strike ledger of one voip token: strikes and state, a pure function of judged calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from notifications.facts import (
    REGISTERS,
    Policy,
    Sign,
    Span,
    answers_remote,
    was_prompted,
)

#: How long a run that ended by proof is shown as recovered.
RECOVERED_FOR = timedelta(hours=24)


class JudgedCall(NamedTuple):
    """A call with its verdict. `ended_at`: the moment of the proof of a handled one."""

    call: int
    call_id: str
    sent_at: datetime
    verdict: str
    pushes: int
    ended_at: datetime | None = None


class Strike(NamedTuple):
    """One unhandled call of the run. `witnessed`: the phone was seen alive shortly before."""

    call: int
    call_id: str
    sent_at: datetime
    pushes: int
    witnessed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """What the ledger says at one moment; `next_change_at`: when time alone changes it.

    `last_sign_at` lies between the first strike of a run that stands and its release.
    """

    state: str
    run: tuple[Strike, ...] = ()
    last_sign_at: datetime | None = None
    recovered_at: datetime | None = None
    recovered_strikes: int = 0
    next_change_at: datetime | None = None


def signs_of_life(
    signs: Iterable[Sign], remotes: Sequence[datetime], spans: Sequence[Span]
) -> list[datetime]:
    """When the phone was seen alive: what no VoIP push prompted, and a REGISTER that
    answered a remote push; sorted.
    """
    return sorted(
        sign.moment
        for sign in signs
        if (_shows_life(sign) and not was_prompted(sign, spans))
        or (sign.kind in REGISTERS and answers_remote(sign, remotes))
    )


def _shows_life(sign: Sign) -> bool:
    return sign.kind in REGISTERS or sign.kind == "beacon" or sign.is_answer


def ledger(
    calls: Sequence[JudgedCall],
    signs: Sequence[datetime],
    resets: Sequence[datetime],
    policy: Policy,
    now: datetime,
) -> Risk:
    """Strikes and state at `now`. `signs` are signs of life; `resets` reinstalls and people."""
    run: tuple[Strike, ...] = ()
    recovered: tuple[datetime, int] | None = None
    for moment, call in _timeline(calls, resets):
        if call is None:
            run, recovered = (), None
        elif call.verdict == "handled":
            if run:
                recovered = (call.ended_at or moment, len(run))
            run = ()
        elif call.verdict == "unhandled":
            run = (*run, _strike(call, run, signs, policy))
    return _risk(run, recovered, signs, policy, now)


def _timeline(
    calls: Sequence[JudgedCall], resets: Sequence[datetime]
) -> Iterator[tuple[datetime, JudgedCall | None]]:
    """Calls and resets in order; of two at one moment the reset comes last."""
    rows = [(call.sent_at, 0, call.call_id, call) for call in calls]
    rows += [(moment, 1, "", None) for moment in resets]
    for moment, _, _, call in sorted(rows, key=lambda row: row[:3]):
        yield moment, call


def _strike(
    call: JudgedCall, run: tuple[Strike, ...], signs: Sequence[datetime], policy: Policy
) -> Strike:
    witnessed = bool(run) and any(
        run[0].sent_at < sign <= call.sent_at <= sign + policy.reach_window
        for sign in signs
    )
    return Strike(call.call, call.call_id, call.sent_at, call.pushes, witnessed)


def _risk(run, recovered, signs, policy: Policy, now: datetime) -> Risk:
    if not run:
        return _without_strikes(recovered, now)
    release_at = run[-1].sent_at + policy.release_after
    # What came before the run or after its release says nothing about these strikes.
    until = min(now, release_at)
    seen = [sign for sign in signs if run[0].sent_at < sign <= until]
    last_sign = max(seen, default=None)
    if now >= release_at:
        return Risk(state="released", run=run, last_sign_at=last_sign)
    state = _state_of(run, last_sign, policy)
    return Risk(state=state, run=run, last_sign_at=last_sign, next_change_at=release_at)


def _without_strikes(recovered: tuple[datetime, int] | None, now: datetime) -> Risk:
    if recovered is None or now >= recovered[0] + RECOVERED_FOR:
        return Risk(state="fine")
    return Risk(
        state="recovered",
        recovered_at=recovered[0],
        recovered_strikes=recovered[1],
        next_change_at=recovered[0] + RECOVERED_FOR,
    )


def _state_of(
    run: tuple[Strike, ...], last_sign: datetime | None, policy: Policy
) -> str:
    if len(run) >= policy.threshold:
        is_witnessed = any(strike.witnessed for strike in run)
        return "suspected" if is_witnessed else "silent"
    return "not_waking" if last_sign is not None else "silent"
