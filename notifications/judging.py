"""The verdict on one call: a pure function of stored evidence. PRODUCT.md's rules, no others.

Nothing here reads a clock, a row or a setting: the same facts give the same verdict in
whatever order they arrived.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from notifications.facts import (
    LONGEST_DIALOG,
    REGISTERS,
    CallFacts,
    Policy,
    PushFacts,
    Sign,
    Span,
    answers_remote,
    in_order,
    was_prompted,
)


class Verdict(NamedTuple):
    """A verdict, the rule that gave it, its proof, and how long the app took to wake."""

    verdict: str
    rule: str = ""
    proof: Sign | None = None
    wake_time: timedelta | None = None

    @property
    def evidence(self) -> dict | None:
        """What is kept of the proof."""
        return self.proof and self.proof.evidence


AWAITED = Verdict("awaited")
BLIND = Verdict("not_counted", "gap")
OPEN_STATES = frozenset({"queued", "sending"})
#: How a push ended without acceptance, the one nearest to the phone first.
NEAREST = ("unknown", "rejected", "failed", "expired", "held", "cancelled")


class Window(NamedTuple):
    """When evidence of a call counts: from its first departure, in the spans of its pushes.

    `handle_by`: the deadline of the newest acceptance, so that a push sent again gives the
    phone its full time.
    """

    sent_at: datetime
    first_accepted_at: datetime
    handle_by: datetime
    late_by: datetime
    spans: tuple[Span, ...]


def window_of(pushes: Sequence[PushFacts], policy: Policy) -> Window | None:
    """The call's window; None while APNs accepted no push of it."""
    accepted = [push.accepted_at for push in pushes if push.accepted_at is not None]
    if not accepted:
        return None
    spans = [span for push in pushes if (span := push.span(policy)) is not None]
    if len(spans) == 1:
        return Window(spans[0].start, accepted[0], *spans[0][1:], tuple(spans))
    return Window(
        min(span.start for span in spans),
        min(accepted),
        max(accepted) + policy.wake_window,
        max(accepted) + policy.late_window,
        tuple(sorted(spans)),
    )


def silence_stands(
    given: tuple[str, str], handle_by: datetime | None, window: Window | None
) -> bool:
    """A strike, or a gap in its place, was only given once the feeds were read past its
    deadline: a feed that is added, disabled or falls behind later does not take that back;
    another push does. `given`: verdict and rule.
    """
    is_silence = given[0] == "unhandled" or given == BLIND[:2]
    return is_silence and window is not None and handle_by == window.handle_by


def judge(call: CallFacts, policy: Policy, read_until: datetime | None) -> Verdict:
    """The verdict as of evidence read up to `read_until` (None: no feed could show any)."""
    return judge_within(window_of(call.pushes, policy), call, policy, read_until)


def judge_within(
    window: Window | None, call: CallFacts, policy: Policy, read_until: datetime | None
) -> Verdict:
    """The same, where the call's window is known."""
    if window is None:
        return _without_acceptance(call.pushes)
    call = call._replace(signs=in_order(call.signs))
    exempt = _on_call(call, window) or _foreground(call, window, policy)
    if exempt is not None:
        return exempt
    in_time = _in_time(call.signs, window)
    found = _proof(call, window, in_time) or _late_or_ambiguous(call, window, in_time)
    if found is not None:
        return found
    if read_until is not None and read_until >= window.handle_by + policy.grace:
        return BLIND if call.is_blind else Verdict("unhandled", "no_proof")
    return AWAITED


def _without_acceptance(pushes: Sequence[PushFacts]) -> Verdict:
    states = {push.state for push in pushes}
    if not states or OPEN_STATES & states:
        return AWAITED
    # The state that came nearest to the phone names the rule.
    return Verdict("not_counted", min(states, key=NEAREST.index))


# Exempt: the app was open anyway, so iOS asks for no report and waking says nothing.


def _on_call(call: CallFacts, window: Window) -> Verdict | None:
    """A dialog of this device was open when the call's first push left."""
    for start in call.signs:
        if _sets_up(start) and _spans(start, call.signs, window.sent_at):
            return Verdict("exempt", "on_call", start)
    return None


def _sets_up(sign: Sign) -> bool:
    """The device answered an INVITE with 2xx, or had its own answered so."""
    is_answered = sign.kind == "answer" and (sign.code or 0) // 100 == 2
    return is_answered or sign.kind == "dialog"


def _spans(start: Sign, signs: Iterable[Sign], moment: datetime) -> bool:
    """The dialog was set up before, and no BYE of it came up to then."""
    if not moment - LONGEST_DIALOG <= start.latest <= moment:
        return False
    return not any(
        sign.kind == "ended"
        and sign.call_id == start.call_id
        and start.moment <= sign.latest
        and sign.moment <= moment
        for sign in signs
    )


def _foreground(call: CallFacts, window: Window, policy: Policy) -> Verdict | None:
    since = window.sent_at - policy.foreground_window
    for sign in call.signs:
        # A beacon about a call says that a push woke the app, not that it is open.
        is_open = sign.kind == "beacon" and not sign.call_id
        is_shown = sign.kind in REGISTERS or is_open
        if not is_shown or not since <= sign.latest < window.sent_at:
            continue
        is_prompted = was_prompted(sign, call.others)
        if not is_prompted and not answers_remote(sign, call.remotes):
            return Verdict("exempt", "foreground", sign)
    return None


# Proof


def _proof(call: CallFacts, window: Window, signs: Sequence[Sign]) -> Verdict | None:
    """What came in time and proves that the app woke."""
    strong = _strongest(call.call_id, signs)
    if strong is not None:
        return _handled(strong.kind, strong, window)
    clear = [
        sign
        for sign in _registers(signs)
        if not answers_remote(sign, call.remotes, after=window.sent_at)
    ]
    accepted = [sign for sign in clear if sign.kind == "register"]
    first = next(iter(accepted or clear), None)
    return _handled(first.kind, first, window) if first is not None else None


def _late_or_ambiguous(
    call: CallFacts, window: Window, in_time: Sequence[Sign]
) -> Verdict | None:
    """Asked after every proof: a REGISTER in time can only be one that proves neither."""
    late = [sign for sign in call.signs if was_prompted(sign, window.spans)]
    strong = _strongest(call.call_id, late)
    if strong is not None:
        return _handled("late", strong, window)
    for rule, signs in (("ambiguous", in_time), ("late", late)):
        first = next(iter(_registers(signs)), None)
        if first is not None:
            return Verdict("not_counted", rule, first)
    return None


def _registers(signs: Sequence[Sign]) -> list[Sign]:
    return [sign for sign in signs if sign.kind in REGISTERS]


def _strongest(call_id: str, signs: Sequence[Sign]) -> Sign | None:
    """A SIP answer on this Call-ID, else the app's beacon."""
    own = [sign for sign in signs if sign.call_id == call_id]
    answers = [sign for sign in own if sign.is_answer]
    beacons = [sign for sign in own if sign.kind == "beacon"]
    return next(iter(answers or beacons), None)


def _handled(rule: str, sign: Sign, window: Window) -> Verdict:
    wake_time = max(sign.moment - window.first_accepted_at, timedelta())
    return Verdict("handled", rule, sign, wake_time)


def _in_time(signs: Sequence[Sign], window: Window) -> list[Sign]:
    """Evidence counts from the departure less the skew, and up to the deadline."""
    return [
        sign
        for sign in signs
        if any(
            span.start <= sign.latest and sign.moment <= span.by
            for span in window.spans
        )
    ]
