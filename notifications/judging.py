"""The verdict on one call: a pure function of stored evidence. PRODUCT.md's rules, no others.

Nothing here reads a clock, a row or a setting: the same facts give the same verdict in
whatever order they arrived.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

#: SIP answers that prove the app took the call (never 408, 480, 487 or 503).
PROVING_CODES = frozenset({*range(180, 190), *range(200, 300), 486, 600, 603})
#: A REGISTER so soon after a remote push may be that push's doing.
REMOTE_ANSWER = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The numbers of the rules; Apple publishes none of them."""

    threshold: int = 3
    wake_window: timedelta = timedelta(seconds=30)
    grace: timedelta = timedelta(seconds=5)
    late_window: timedelta = timedelta(seconds=90)
    reach_window: timedelta = timedelta(minutes=15)
    foreground_window: timedelta = timedelta(seconds=20)
    release_after: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class PushFacts:
    """One VoIP push of the call: its state, when it left and when APNs took it."""

    state: str
    sent_at: datetime | None
    accepted_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """Something the phone did. `evidence` is what a verdict keeps of it."""

    kind: str
    moment: datetime
    call_id: str = ""
    code: int | None = None
    evidence: dict = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFacts:
    """A call, and what else happened around it.

    `remotes`: when APNs took remote pushes to the same devices. `others`: the windows of
    the token's other calls (first departure, end of the late window).
    """

    call_id: str
    pushes: Sequence[PushFacts]
    signs: Sequence[Sign] = ()
    remotes: Sequence[datetime] = ()
    others: Sequence[tuple[datetime, datetime]] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """A verdict, the rule that gave it, its proof, and how long the app took to wake."""

    verdict: str
    rule: str = ""
    evidence: dict | None = None
    wake_time: timedelta | None = None


AWAITED = Verdict("awaited")
OPEN_STATES = frozenset({"queued", "sending"})
#: How a push ended without acceptance, the one nearest to the phone first.
NEAREST = ("unknown", "rejected", "failed", "expired", "held", "cancelled")
REGISTERS = frozenset({"register", "challenged"})


@dataclass(frozen=True, slots=True)
class Window:
    """When evidence of a call counts."""

    sent_at: datetime
    first_accepted_at: datetime
    handle_by: datetime
    late_by: datetime


def window_of(pushes: Sequence[PushFacts], policy: Policy) -> Window | None:
    """The call's window; None while APNs accepted no push of it.

    From the first departure; the deadline runs from the newest acceptance, so that a
    repeated push gives the phone its full time.
    """
    accepted = [push for push in pushes if push.accepted_at is not None]
    if not accepted:
        return None
    first = min(push.accepted_at for push in accepted)
    newest = max(push.accepted_at for push in accepted)
    departures = [push.sent_at or push.accepted_at for push in accepted]
    return Window(
        min(departures), first, newest + policy.wake_window, newest + policy.late_window
    )


def judge(call: CallFacts, policy: Policy, read_until: datetime | None) -> Verdict:
    """The verdict as of evidence read up to `read_until` (None: no feed could show any)."""
    window = window_of(call.pushes, policy)
    if window is None:
        return _without_acceptance(call.pushes)
    exempt = _exempt(call, window, policy)
    if exempt is not None:
        return exempt
    proof = _proof(call, window) or _late_answer(call, window)
    found = proof or _ambiguous(call, window) or _late_register(call, window)
    if found is not None:
        return found
    if read_until is not None and read_until >= window.handle_by + policy.grace:
        return Verdict("unhandled", "no_proof")
    return AWAITED


def _without_acceptance(pushes: Sequence[PushFacts]) -> Verdict:
    states = {push.state for push in pushes}
    if not states or OPEN_STATES & states:
        return AWAITED
    # The state that came nearest to the phone names the rule.
    return Verdict("not_counted", min(states, key=NEAREST.index))


def _exempt(call: CallFacts, window: Window, policy: Policy) -> Verdict | None:
    """The app was open anyway: iOS asks for no report, and waking says nothing."""
    since = window.sent_at - policy.foreground_window
    for sign in _sorted(call.signs):
        is_before = since <= sign.moment < window.sent_at
        if is_before and sign.kind in {"register", "challenged", "beacon"}:
            is_prompted = was_prompted(sign.moment, call.others)
            if not is_prompted and not answers_remote(sign.moment, call.remotes):
                return Verdict("exempt", "foreground", sign.evidence)
    return None


def _proof(call: CallFacts, window: Window) -> Verdict | None:
    signs = _between(call.signs, window.sent_at, window.handle_by)
    strong = _strongest(call.call_id, signs)
    if strong is not None:
        return _handled(strong.kind, strong, window)
    clear = [
        sign for sign in _registers(signs) if not _is_ambiguous(sign, call, window)
    ]
    accepted = [sign for sign in clear if sign.kind == "register"]
    first = next(iter(accepted or clear), None)
    return _handled(first.kind, first, window) if first is not None else None


def _late_answer(call: CallFacts, window: Window) -> Verdict | None:
    signs = _between(call.signs, window.handle_by, window.late_by)
    strong = _strongest(call.call_id, signs)
    return _handled("late", strong, window) if strong is not None else None


def _ambiguous(call: CallFacts, window: Window) -> Verdict | None:
    """Asked after every proof: a REGISTER here can only be one that proves neither."""
    signs = _between(call.signs, window.sent_at, window.handle_by)
    first = next(iter(_registers(signs)), None)
    return Verdict("not_counted", "ambiguous", first.evidence) if first else None


def _late_register(call: CallFacts, window: Window) -> Verdict | None:
    signs = _between(call.signs, window.handle_by, window.late_by)
    first = next(iter(_registers(signs)), None)
    return Verdict("not_counted", "late", first.evidence) if first else None


def _registers(signs: Sequence[Sign]) -> list[Sign]:
    return [sign for sign in signs if sign.kind in REGISTERS]


def _is_ambiguous(sign: Sign, call: CallFacts, window: Window) -> bool:
    return answers_remote(sign.moment, call.remotes, after=window.sent_at)


def _strongest(call_id: str, signs: Sequence[Sign]) -> Sign | None:
    """A SIP answer on this Call-ID, else the app's beacon."""
    answers = [
        sign
        for sign in signs
        if sign.kind == "answer"
        and sign.call_id == call_id
        and sign.code in PROVING_CODES
    ]
    beacons = [
        sign for sign in signs if sign.kind == "beacon" and sign.call_id == call_id
    ]
    return next(iter(answers or beacons), None)


def _handled(rule: str, sign: Sign, window: Window) -> Verdict:
    wake_time = max(sign.moment - window.first_accepted_at, timedelta())
    return Verdict("handled", rule, sign.evidence, wake_time)


def _between(signs: Sequence[Sign], start: datetime, end: datetime) -> list[Sign]:
    return [sign for sign in _sorted(signs) if start <= sign.moment <= end]


def _sorted(signs: Sequence[Sign]) -> list[Sign]:
    """In the order they happened; ties by what they are, never by how they came in."""
    return sorted(
        signs,
        key=lambda sign: (
            sign.moment,
            sign.kind,
            sorted(sign.evidence.items(), key=str),
        ),
    )


def was_prompted(
    moment: datetime, windows: Sequence[tuple[datetime, datetime]]
) -> bool:
    """True when some VoIP push may have caused what happened then."""
    return any(start <= moment <= end for start, end in windows)


def answers_remote(
    moment: datetime, remotes: Sequence[datetime], after: datetime | None = None
) -> bool:
    """True when a remote push was accepted at most 30 s before (and not before `after`)."""
    return any(
        accepted <= moment <= accepted + REMOTE_ANSWER
        and (after is None or accepted >= after)
        for accepted in remotes
    )
