"""What becomes of a push after a try: a pure decision on the outcome (APNS.md A3).

An uncertain VoIP send is final (P2); nothing is tried again after its life (P3).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from notifications.apns import REASONS, Outcome, Result

#: Tries of one push, and the first back-off; each next one is twice as long, up to the
#: quarter of an hour Apple asks for. A call's tries last as long as its usual life.
TRIES = {"voip": 8, "alert": 20, "background": 8}
LONGEST_BACK_OFF = timedelta(minutes=15)
FIRST_BACK_OFF = {
    "voip": timedelta(milliseconds=500),
    "alert": timedelta(seconds=5),
    "background": timedelta(seconds=15),
}
FINAL_STATE = {
    Outcome.ACCEPTED: "accepted",
    Outcome.REJECTED: "rejected",
    Outcome.UNKNOWN: "unknown",
    Outcome.NOT_SENT: "failed",
}


@dataclass(frozen=True, slots=True)
class Step:
    """The push's next state; `due_at` says when a queued one is tried again."""

    state: str
    due_at: datetime | None = None


def next_step(
    *,
    push_type: str,
    result: Result,
    tries: int,
    now: datetime,
    expires_at: datetime,
    jitter: float,
) -> Step:
    """Decide after try number `tries`. `jitter` is in 0…1 and spreads the back-off."""
    if result.outcome == Outcome.ACCEPTED or not _is_safe(push_type, result):
        return Step(FINAL_STATE[result.outcome])
    if tries >= TRIES[push_type]:
        return Step(FINAL_STATE[result.outcome])
    due_at = now + _wait(push_type, result, tries, jitter)
    if due_at >= expires_at:
        is_unsent = result.outcome == Outcome.NOT_SENT
        return Step("expired" if is_unsent else FINAL_STATE[result.outcome])
    return Step("queued", due_at)


def _wait(push_type: str, result: Result, tries: int, jitter: float) -> timedelta:
    """Until the next try: a new provider token needs none, APNs may ask for a longer one."""
    if result.is_renewed:
        return timedelta(0)
    back_off = min(FIRST_BACK_OFF[push_type] * 2 ** (tries - 1), LONGEST_BACK_OFF)
    return max(back_off * (0.5 + jitter), timedelta(seconds=result.retry_after or 0))


def end_after(state: str, outcomes: Collection[str]) -> str:
    """The final state of a push that is not tried again, `state` by the newest event, with
    the outcomes of all its tries: one that may have left is `unknown` for good, and what
    APNs refused was not "never sent".
    """
    for worse in ("unknown", "rejected"):
        if state in {"failed", "expired", "cancelled"} and worse in outcomes:
            return worse
    return state


def _is_safe(push_type: str, result: Result) -> bool:
    if result.outcome == Outcome.NOT_SENT:
        return True
    if result.outcome == Outcome.UNKNOWN:
        # The collapse-id makes a repeated remote push harmless; a VoIP push rings.
        return push_type != "voip"
    if result.reason == "TooManyRequests":
        # Apple: "you may retry with a delay". A call has no time for one, and a phone that
        # is pushed too often must not be woken once more.
        return push_type != "voip"
    reason = REASONS.get(result.reason)
    return result.is_renewed or (reason is not None and reason.retry_safe)
