"""What other settings would have said of a period: the verdicts and tokens that flip.

Reads rows, writes none. Both sides are concluded by the same pure rules, of the period alone:
nothing before it is known to either.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from notifications.concluding import Conclusion, History, conclude
from notifications.evidence import Evidence, Look, pushes_of, resets_of
from notifications.facts import Policy, PushFacts
from notifications.judging import BLIND
from notifications.models import App, Call
from notifications.policy import policy_of
from registrations.models import PushToken

#: Tokens read at once.
BATCH = 200


@dataclass(frozen=True, slots=True)
class Flip:
    """A call whose verdict would be another: (verdict, rule) as it is and as it would be."""

    token: int
    call_id: str
    sent_at: datetime
    was: tuple[str, str]
    becomes: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Moved:
    """A token whose risk would be another: (state, strikes) at the end of the period."""

    token: int
    was: tuple[str, int]
    becomes: tuple[str, int]


@dataclass(slots=True)
class Replay:
    """What came out: how much was looked at, and what differs."""

    calls: int = 0
    tokens: int = 0
    flips: list[Flip] = field(default_factory=list)
    moved: list[Moved] = field(default_factory=list)


def replay(app: App, other: Policy, since: datetime, until: datetime) -> Replay:
    """The calls of an app sent in `since … until`, judged by its own policy and by another,
    with every feed taken as read up to `until`.
    """
    found = Replay()
    for token, calls, history in _histories(app, other, since, until):
        own = conclude(history, policy_of(app), until, until)
        new = conclude(history, other, until, until)
        found.tokens += 1
        found.calls += len(calls)
        found.flips += _flips(token, calls, own, new)
        was, becomes = _risk(own), _risk(new)
        if was != becomes:
            found.moved.append(Moved(token, was, becomes))
    return found


def _flips(
    token: int, calls: dict[str, datetime], own: Conclusion, new: Conclusion
) -> Iterator[Flip]:
    for call_id, sent_at in sorted(calls.items(), key=lambda call: call[1]):
        was, becomes = own.verdicts[call_id], new.verdicts[call_id]
        if (was.verdict, was.rule) != (becomes.verdict, becomes.rule):
            yield Flip(
                token,
                call_id,
                sent_at,
                (was.verdict, was.rule),
                (becomes.verdict, becomes.rule),
            )


def _risk(concluded: Conclusion) -> tuple[str, int]:
    return concluded.risk.state, len(concluded.risk.run)


def _histories(
    app: App, other: Policy, since: datetime, until: datetime
) -> Iterator[tuple[int, dict[str, datetime], History]]:
    """token, its calls with their moment, and all that is known of them."""
    asked = Call.objects.filter(sent_at__range=(since, until))
    tokens = PushToken.objects.filter(bundle_id=app.bundle_id, calls__in=asked)
    ordered = sorted(set(tokens.values_list("pk", flat=True)))
    for start in range(0, len(ordered), BATCH):
        yield from _batch(
            ordered[start : start + BATCH], asked, _widest(policy_of(app), other)
        )


def _batch(
    tokens: list[int], asked, widest: Policy
) -> Iterator[tuple[int, dict[str, datetime], History]]:
    calls = list(asked.filter(token__in=tokens))
    pushes, resets = pushes_of(call.pk for call in calls), resets_of(tokens)
    told: dict[int, dict[str, list[PushFacts]]] = defaultdict(dict)
    moments: dict[int, dict[str, datetime]] = defaultdict(dict)
    blind: dict[int, set[str]] = defaultdict(set)
    for call in calls:
        told[call.token_id][call.call_id] = pushes[call.pk]
        moments[call.token_id][call.call_id] = call.sent_at
        if call.rule == BLIND.rule:
            blind[call.token_id].add(call.call_id)
    looks = [_look(token, moments[token], widest) for token in tokens]
    evidence = Evidence(looks, lines=False)
    for key, token in enumerate(tokens):
        history = History(
            pushes=told[token],
            signs=list(evidence.signs(key)),
            remotes=evidence.remotes(key),
            resets=resets[token],
            blind=blind[token],
        )
        yield token, moments[token], history


def _look(token: int, moments: dict[str, datetime], widest: Policy) -> Look:
    before = max(widest.foreground_window, widest.reach_window)
    return Look(
        token=token,
        since=min(moments.values()) - before,
        until=max(moments.values()) + widest.late_window,
        policy=widest,
    )


def _widest(own: Policy, other: Policy) -> Policy:
    """Windows that hold the evidence of both."""
    return Policy(
        late_window=max(own.late_window, other.late_window),
        reach_window=max(own.reach_window, other.reach_window),
        foreground_window=max(own.foreground_window, other.foreground_window),
    )
