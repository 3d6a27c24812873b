"""All that follows from what is known of one voip token: its verdicts and its risk. Pure.

What `handling` keeps in rows as news comes, said of a whole history at once: for a replay
with other settings, and to prove that the order of arrival changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from notifications.facts import CallFacts, Policy, PushFacts, Sign, Span
from notifications.judging import Verdict, judge, silence_stands, window_of
from notifications.risk import JudgedCall, Risk, ledger, signs_of_life


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Everything known of one voip token: the pushes of each Call-ID, and what happened.

    `blind`: calls of a time of which a feed lost what it had.
    """

    pushes: Mapping[str, Sequence[PushFacts]] = field(default_factory=dict)
    signs: Sequence[Sign] = ()
    remotes: Sequence[datetime] = ()
    resets: Sequence[datetime] = ()
    blind: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Conclusion:
    """Verdict and deadline of each Call-ID, and the token's risk."""

    verdicts: dict[str, Verdict]
    deadlines: dict[str, datetime | None]
    risk: Risk


def conclude(
    history: History,
    policy: Policy,
    read_until: datetime | None,
    now: datetime,
    before: Conclusion | None = None,
) -> Conclusion:
    """What follows at `now`, the feeds read up to `read_until`. `before`: strikes given by
    then, which a feed that falls behind does not take back.
    """
    verdicts, deadlines, judged = {}, {}, []
    for call_id, pushes in history.pushes.items():
        window = window_of(pushes, policy)
        deadlines[call_id] = window and window.handle_by
        facts = CallFacts(
            call_id=call_id,
            pushes=pushes,
            signs=history.signs,
            remotes=history.remotes,
            others=_spans(history, policy, but=call_id),
            is_blind=call_id in history.blind,
        )
        until = read_until
        if before is not None and call_id in before.verdicts:
            given, deadline = before.verdicts[call_id], before.deadlines[call_id]
            if silence_stands(given[:2], deadline, window):
                until = window.handle_by + policy.grace
        verdict = verdicts[call_id] = judge(facts, policy, until)
        if window is not None:
            judged.append(_judged(call_id, pushes, window.sent_at, verdict))
    spans = _spans(history, policy)
    alive = signs_of_life(history.signs, history.remotes, spans)
    risk = ledger(judged, alive, history.resets, policy, now)
    return Conclusion(verdicts, deadlines, risk)


def _spans(history: History, policy: Policy, but: str | None = None) -> list[Span]:
    return [
        span
        for call_id, pushes in history.pushes.items()
        for push in pushes
        if call_id != but and (span := push.span(policy)) is not None
    ]


def _judged(
    call_id: str, pushes: Sequence[PushFacts], sent_at: datetime, verdict: Verdict
) -> JudgedCall:
    ended_at = None
    if verdict.verdict == "handled":
        ended_at = datetime.fromisoformat(verdict.evidence["moment"])
    return JudgedCall(
        call=0,
        call_id=call_id,
        sent_at=sent_at,
        verdict=verdict.verdict,
        pushes=sum(push.accepted_at is not None for push in pushes),
        ended_at=ended_at,
    )
