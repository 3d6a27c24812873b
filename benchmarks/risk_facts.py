"""The world of `bin/bench risk` without its logs: what they would show, as facts, and the
verdicts on it. Neither text nor database, so a seed takes half a minute.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from benchmarks.risk_world import Proxy
from notifications.facts import CallFacts, Policy, PushFacts, Sign, Span
from notifications.judging import Verdict, Window, judge_within, window_of
from simulator.clock import moment_of, ms
from simulator.ordeal import Ring
from simulator.phone import Phone

#: Read to the end: what is not proved by now never is.
READ = datetime.max.replace(tzinfo=UTC)
RINGING = 180
#: Facts are looked for this much around a call.
AROUND = timedelta(minutes=5)


@dataclass(slots=True)
class Install:
    """What a log shows of one install, by the true clock."""

    signs: list[Sign] = field(default_factory=list)
    #: When APNs took remote pushes to it.
    remotes: list[datetime] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Judged:
    """A call that APNs accepted, and the verdict on it once everything is read."""

    call_id: str
    pushes: int
    window: Window
    verdict: Verdict


class Silent(Proxy):
    """A proxy that writes nothing, and is known by what it would have written."""

    def __init__(self, *given, **named) -> None:
        #: instance-id → what is known of the install
        self.installs: dict[str, Install] = defaultdict(Install)
        #: voip token → its install, and Call-ID → its pushes
        self.held_by: dict[str, str] = {}
        self.calls: dict[str, dict[str, list[PushFacts]]] = defaultdict(dict)
        self._challenged: dict[str, datetime] = {}
        self._known: set[tuple[str, str, str]] = set()
        super().__init__(*given, **named)

    def knows(self, ring: Ring, phone: Phone) -> bool:
        """Whether it could push."""
        return (ring.aor, phone.instance_id, _token(ring, phone)) in self._known

    def note(self, ring: Ring, phone: Phone, row: dict | None) -> None:
        """One push ended as `row` says."""
        if row is None:
            return
        is_accepted = row["status"] == 200
        taken = row["answered_at"] if is_accepted else None
        if ring.push_type == "voip":
            state = "accepted" if is_accepted else "rejected"
            pushes = self.calls[row["token"]].setdefault(ring.call_id, [])
            pushes.append(PushFacts(state, row["sent_at"], taken))
        elif is_accepted:
            self.installs[phone.instance_id].remotes.append(taken)

    def _begin(self, now: datetime) -> None:
        """No line a second."""
        self.fleet.now_ms = ms(now)

    def _write(self, text: bytes) -> None:
        """No log."""

    def _deliver(self, now: datetime) -> None:
        """Nothing arrives in it."""

    def _heard(self, phone: Phone, request) -> None:
        super()._heard(phone, request)
        at = self._moment(request.at_ms)
        if not request.is_authorized:
            self._challenged[request.call_id] = at
            return
        # The round counts from its first copy.
        first = self._challenged.pop(request.call_id, at)
        self.installs[phone.instance_id].signs.append(Sign(first, "register"))
        voip, remote = phone.voip_token.lower(), phone.remote_token.lower()
        self.held_by[voip] = phone.instance_id
        self._known |= {
            (request.aor, phone.instance_id, token) for token in (voip, remote)
        }

    def _rang(self, phone: Phone, at_ms: int, call_id: str) -> None:
        super()._rang(phone, at_ms, call_id)
        sign = Sign(self._moment(at_ms), "answer", call_id, RINGING)
        self.installs[phone.instance_id].signs.append(sign)

    def _moment(self, at_ms: int) -> datetime:
        return moment_of(at_ms - self._skew_ms)


def _token(ring: Ring, phone: Phone) -> str:
    is_voip = ring.push_type == "voip"
    return (phone.voip_token if is_voip else phone.remote_token).lower()


def judged(
    made: Mapping[str, Sequence[PushFacts]], install: Install, policy: Policy
) -> list[Judged]:
    """The calls of one token that APNs accepted, in order."""
    pages = Pages(made, install, policy)
    found = []
    for call_id, pushes in made.items():
        window = window_of(pushes, policy)
        if window is not None:
            facts = pages.around(call_id, window)
            accepted = sum(push.accepted_at is not None for push in pushes)
            verdict = judge_within(window, facts, policy, READ)
            found.append(Judged(call_id, accepted, window, verdict))
    return sorted(found, key=lambda one: (one.window.sent_at, one.call_id))


class Pages:
    """The facts of one token by time."""

    def __init__(
        self,
        made: Mapping[str, Sequence[PushFacts]],
        install: Install,
        policy: Policy,
    ) -> None:
        self._made = made
        self._signs = sorted(install.signs)
        self._moments = [sign.moment for sign in self._signs]
        self._remotes = sorted(install.remotes)
        self._spans = spans_of(made, policy)
        self._starts = [span.start for span, _ in self._spans]

    def around(self, call_id: str, window: Window) -> CallFacts:
        """What a verdict on the call is judged by."""
        since, until = window.sent_at - AROUND, window.late_by + AROUND
        near = _between(self._spans, self._starts, since - AROUND, until)
        return CallFacts(
            call_id=call_id,
            pushes=self._made[call_id],
            signs=_between(self._signs, self._moments, since, until),
            remotes=_between(self._remotes, self._remotes, since, until),
            others=[span for span, owner in near if owner != call_id],
        )


def spans_of(
    made: Mapping[str, Sequence[PushFacts]], policy: Policy
) -> list[tuple[Span, str]]:
    """What the pushes of a token may have prompted, in order, beside their Call-IDs."""
    spans = [
        (span, call_id)
        for call_id, pushes in made.items()
        for push in pushes
        if (span := push.span(policy)) is not None
    ]
    return sorted(spans)


def _between(rows: list, moments: list, since: datetime, until: datetime) -> list:
    return rows[bisect_left(moments, since) : bisect_right(moments, until)]
