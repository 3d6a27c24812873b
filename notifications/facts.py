"""The facts a verdict rests on, as plain values: no row, no clock, no setting.

Those that come by the thousand are tuples: a frozen dataclass takes five times as long to make.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

#: SIP answers that prove the app took the call (never 408, 480, 487 or 503).
PROVING_CODES = frozenset({*range(180, 190), *range(200, 300), 486, 600, 603})
REGISTERS = frozenset({"register", "challenged"})
#: A REGISTER so soon after a remote push may be that push's doing.
REMOTE_ANSWER = timedelta(seconds=30)
#: A dialog whose BYE was never read is over by then.
LONGEST_DIALOG = timedelta(hours=2)


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


class Told(NamedTuple):
    """Where a sign can be read, and its moment by the clock of its feed."""

    moment: datetime
    skew_ms: int = 0
    feed: str = ""
    file: str = ""
    position: int = 0
    line: str = ""


class Sign(NamedTuple):
    """Something the phone did. Its fields stand in the order that signs are sorted by.

    `moment` is by our clock as far as the feed's is known to be ahead; where it may be
    behind, by `slack` at most, the truth lies between `moment` and `latest`.
    """

    moment: datetime
    kind: str
    call_id: str = ""
    #: The SIP status of an answer; 0 of anything else.
    code: int = 0
    slack: timedelta = timedelta()
    told: Told | None = None

    @property
    def evidence(self) -> dict:
        """What a verdict keeps of it."""
        told = (self.told or Told(self.moment))._asdict()
        return {"kind": self.kind} | told | {"moment": told["moment"].isoformat()}

    @property
    def latest(self) -> datetime:
        """The latest moment it can have happened."""
        return self.moment + self.slack

    @property
    def is_answer(self) -> bool:
        """A SIP answer only a phone that rang gives."""
        return self.kind == "answer" and self.code in PROVING_CODES


class Span(NamedTuple):
    """When what a VoIP push may have prompted shows: in time up to `by`, late to `late_by`."""

    start: datetime
    by: datetime
    late_by: datetime


class PushFacts(NamedTuple):
    """One VoIP push: its state, when it left and when APNs took it."""

    state: str
    sent_at: datetime | None
    accepted_at: datetime | None

    def span(self, policy: Policy) -> Span | None:
        """None for one that surely never reached a phone.

        An `unknown` push may have: it prompts like any other, though it is never counted.
        """
        taken = self.accepted_at or (self.sent_at if self.state == "unknown" else None)
        if taken is None:
            return None
        start = min(self.sent_at or taken, taken)
        return Span(start, taken + policy.wake_window, taken + policy.late_window)


class CallFacts(NamedTuple):
    """A call, and what else happened around it.

    `remotes`: when APNs took remote pushes to the same devices. `others`: the spans of the
    pushes of the token's other calls. `is_blind`: a feed that could have shown a proof lost
    what it had of that time.
    """

    call_id: str
    pushes: Sequence[PushFacts]
    signs: Sequence[Sign] = ()
    remotes: Sequence[datetime] = ()
    others: Sequence[Span] = ()
    is_blind: bool = False


def was_prompted(sign: Sign, spans: Iterable[Span]) -> bool:
    """True when some VoIP push may have caused it."""
    return any(
        span.start <= sign.latest and sign.moment <= span.late_by for span in spans
    )


def answers_remote(
    sign: Sign, remotes: Iterable[datetime], after: datetime | None = None
) -> bool:
    """True when a remote push was accepted at most 30 s before (and not before `after`)."""
    return any(
        accepted <= sign.latest
        and sign.moment <= accepted + REMOTE_ANSWER
        and (after is None or accepted >= after)
        for accepted in remotes
    )


def shows_opening(sign: Sign, spans: Iterable[Span], wakes: Iterable[datetime]) -> bool:
    """True when somebody opened the app: it registered, or said so, and no push launched it."""
    is_foreground = sign.kind == "beacon" and not sign.call_id
    is_shown = sign.kind in REGISTERS or is_foreground
    return (
        is_shown
        and not was_prompted(sign, spans)
        and (is_foreground or not answers_remote(sign, wakes))
    )


def in_order(signs: Iterable[Sign]) -> list[Sign]:
    """As they happened; ties by what they are, never by how they came in."""
    return sorted(signs)
