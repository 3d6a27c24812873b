"""The read model of the live page: figures, risk board, outcomes, sources. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from notifications import charts
from notifications.alarms import Alarm
from notifications.apns.push import token_kind
from notifications.attention import Attention
from notifications.backlog import Lane
from notifications.board import (
    BoardRow,
    counts_of,
    told,
)
from notifications.expiry import Warning
from notifications.live_reads import LATELY, Figures, Rows
from notifications.models import App, Call, Push
from notifications.sources import Hold, Source, hold_at, source_of
from notifications.troubles import endings_of
from notifications.wording import outcome_of, rules_in_words
from registrations.models import Feed


@dataclass(frozen=True, slots=True)
class FeedRow:
    """One push outcome."""

    push: Push
    at: datetime
    tone: str
    words: str

    @property
    def kinds(self) -> str:
        """What the filter of the feed may pick it by."""
        kinds = [token_kind(self.push.push_type)]
        if self.push.state == Push.State.REJECTED:
            kinds.append("rejected")
        call = self.push.sip_call
        if call is not None and call.verdict == Call.Verdict.UNHANDLED:
            kinds.append("asleep")
        return " ".join(kinds)


@dataclass(frozen=True, slots=True)
class Kpis:
    """The strip of figures. Seconds where a time is meant, None where nothing is known."""

    registered: int
    known: int
    voip: int
    per_minute: float
    handled: int
    judged: int
    woken: float | None
    median: float | None
    p95: float | None
    at_risk: int
    suspected: int
    suspected_since: datetime | None
    waiting: int
    oldest: float | None
    queues: list[Lane]

    @property
    def is_late(self) -> bool:
        """Something that should have left by now waits."""
        return any(queue.is_late for queue in self.queues)


class Picture:
    """The whole live page at one moment. Each part is read when it is first asked for.

    Who shows the feed and the board asks for the feed first: a verdict it shows is then in
    the board too.
    """

    spans = tuple(charts.SPANS)

    def __init__(self, now: datetime, span: str = "1h") -> None:
        self._now, self._span, self._rows = now, span, Rows(now, span)

    def retold(self) -> Picture:
        """The same rows for a reader of another language or clock: nothing is read again."""
        other = Picture(self._now, self._span)
        other._rows = self._rows
        return other

    @cached_property
    def feed(self) -> list[FeedRow]:
        return [feed_row(push) for push in self._rows.pushes]

    @cached_property
    def board(self) -> list[BoardRow]:
        return told(self._rows.worst, self._now)

    @property
    def counts(self) -> list[tuple[str, str, int]]:
        return counts_of(self._rows.figures.at_risk)

    @cached_property
    def kpis(self) -> Kpis:
        return kpis(self._rows.figures, self._rows.lately, self._rows.lanes)

    @property
    def attention(self) -> Attention:
        return self._rows.figures.attention

    @property
    def sources(self) -> list[Source]:
        return [source_of(feed, self._now) for feed in self._rows.feeds]

    @property
    def assuming(self) -> list[Feed]:
        return [feed for feed in self._rows.feeds if feed.has_assumed]

    @cached_property
    def hold(self) -> Hold | None:
        return hold_at(self._rows.feeds, self._rows.figures.waiting_for, self._now)

    @property
    def alarms(self) -> list[Alarm]:
        return self._rows.alarms

    @property
    def refused(self) -> list[App]:
        """Apps beside a credential that APNs refuses, or whose tokens it refuses."""
        return [row for row in self._rows.apps if row.pause_reason or row.jump_at]

    @property
    def endings(self) -> list[tuple[App, Warning]]:
        """Apps beside a certificate that ends soon, and what to say of it."""
        return endings_of(self._rows.apps, self._now)

    @property
    def rules(self) -> str:
        return rules_in_words(self._rows.each_app)

    @cached_property
    def outcomes(self) -> charts.Outcomes:
        return charts.laid_out(self._rows.outcomes, self._now, self._span)

    @cached_property
    def wake(self) -> charts.WakeTimes:
        return charts.wake_times(self._rows.lately)


def kpis(found: Figures, lately: list[tuple], queues: list[Lane]) -> Kpis:
    """The figures of the strip."""
    handled = sum(verdict == "handled" for verdict, _ in lately)
    judged = handled + sum(verdict == "unhandled" for verdict, _ in lately)
    times = sorted(
        time.total_seconds()
        for verdict, time in lately
        if verdict == "handled" and time is not None
    )
    return Kpis(
        registered=found.population.registered,
        known=found.population.known,
        voip=found.voip,
        per_minute=found.voip / (LATELY.total_seconds() / 60),
        handled=handled,
        judged=judged,
        woken=100 * handled / judged if judged else None,
        median=_quantile(times, 0.5),
        p95=_quantile(times, 0.95),
        at_risk=found.attention.not_waking,
        suspected=found.attention.suspected,
        suspected_since=found.suspected_since,
        waiting=sum(queue.waiting + queue.later for queue in queues),
        oldest=max(
            (one.oldest for one in queues if one.oldest is not None), default=None
        ),
        queues=queues,
    )


def _quantile(ordered: list[float], share: float) -> float | None:
    """Nearest-rank quantile."""
    if not ordered:
        return None
    return ordered[max(0, -(-int(len(ordered) * share * 1000) // 1000) - 1)]


def feed_row(push: Push) -> FeedRow:
    """One push with what became of it."""
    tone, words = outcome_of(push)
    return FeedRow(push, push.sent_at or push.created_at, tone, words)
