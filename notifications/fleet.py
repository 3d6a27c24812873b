"""The read model of the live page: figures, risk board, outcomes, sources. Reads only."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from notifications import charts
from notifications.alarms import Alarm, alarms
from notifications.at_once import Question
from notifications.attention import Attention, asked
from notifications.backlog import Lane, lanes
from notifications.board import STATES, BoardRow, board_rows, counts_of, devices_in
from notifications.expiry import Warning
from notifications.kept_counts import counts
from notifications.models import App, Call, Ledger, Push
from notifications.sources import Hold, Source, held_by_feeds, hold_at, source_of
from notifications.troubles import apps_beside_trouble, endings_of
from notifications.wording import outcome_of, rules_in_words
from registrations.models import Device, Feed

LATELY = timedelta(minutes=15)
FEED_ROWS = 60
#: What a row of the feed is made of; it is read four times a second.
FEED_FIELDS = (
    "push_type",
    "state",
    "reason",
    "created_at",
    "sent_at",
    "device__aor",
    "sip_call__verdict",
    "sip_call__rule",
    "sip_call__wake_time",
)


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
        kinds = ["voip" if self.push.push_type == Push.Type.VOIP else "remote"]
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


@dataclass(frozen=True, slots=True)
class Population:
    """How many devices there are, and how many are bound: of a million, slow to count."""

    registered: int
    known: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What is counted in rows. `at_risk`: state → devices; `waiting_for`: what holds each
    open verdict.
    """

    population: Population
    attention: Attention
    voip: int
    suspected_since: datetime | None
    waiting_for: list[list[dict]]
    at_risk: dict[str, int]


class Picture:
    """The whole live page at one moment. Each part is read when it is first asked for.

    Who shows the feed and the board asks for the feed first: a verdict it shows is then in
    the board too.
    """

    spans = tuple(charts.SPANS)

    def __init__(self, now: datetime, span: str = "1h") -> None:
        self._now, self._span = now, span

    @cached_property
    def feed(self) -> list[FeedRow]:
        return feed_rows()

    @cached_property
    def board(self) -> list[BoardRow]:
        return board_rows(self._apps, self._now)

    @property
    def counts(self) -> list[tuple[str, str, int]]:
        return counts_of(self._figures.at_risk)

    @cached_property
    def kpis(self) -> Kpis:
        return kpis(self._figures, self._lately, self._now)

    @property
    def attention(self) -> Attention:
        return self._figures.attention

    @property
    def sources(self) -> list[Source]:
        return [source_of(feed, self._now) for feed in self._feeds]

    @property
    def assuming(self) -> list[Feed]:
        return [feed for feed in self._feeds if feed.has_assumed]

    @cached_property
    def hold(self) -> Hold | None:
        return hold_at(self._feeds, self._figures.waiting_for, self._now)

    @cached_property
    def alarms(self) -> list[Alarm]:
        return alarms()

    @property
    def refused(self) -> list[App]:
        """Apps beside a credential that APNs refuses, or whose tokens it refuses."""
        return [row for row in self._app_rows if row.pause_reason or row.jump_at]

    @property
    def endings(self) -> list[tuple[App, Warning]]:
        """Apps beside a certificate that ends soon, and what to say of it."""
        return endings_of(self._app_rows, self._now)

    @property
    def rules(self) -> str:
        return rules_in_words(self._apps)

    @cached_property
    def outcomes(self) -> charts.Outcomes:
        return charts.outcomes(self._now, self._span)

    @cached_property
    def wake(self) -> charts.WakeTimes:
        return charts.wake_times(self._lately)

    @cached_property
    def _apps(self) -> list[App]:
        return list({app.pk: app for app in self._app_rows}.values())

    @cached_property
    def _app_rows(self) -> list[App]:
        return apps_beside_trouble(self._now)

    @cached_property
    def _feeds(self) -> list[Feed]:
        enabled = Feed.objects.filter(enabled=True)
        return list(enabled.defer("pending", "branches"))

    @cached_property
    def _figures(self) -> Figures:
        return figures(self._now)

    @cached_property
    def _lately(self) -> list[tuple[str, timedelta | None]]:
        return lately_at(self._now)


def _everybody(now: datetime) -> dict[str, Question]:
    bound = Device.objects.bound_at(now).order_by()
    return {
        "registered": Question(bound.values("pk")),
        "known": Question(Device.objects.order_by().values("pk")),
    }


def figures(now: datetime) -> Figures:
    """What is counted. The devices may be as of a moment ago where they are many."""
    sent = Push.objects.filter(push_type="voip", sent_at__range=(now - LATELY, now))
    suspected = Ledger.objects.filter(state="suspected").values("since")
    quiet = {state: devices_in(state) for state in STATES[2:]}
    # Who has just come to be at risk is on the page at once, however large the house is.
    fresh = {state: devices_in(state) for state in STATES[:2]} | {
        "voip": Question(sent.order_by().values("pk")),
        "since": Question(suspected.order_by(), "max(asked.since)", None),
        "waiting": Question(held_by_feeds(), "jsonb_agg(asked.held_by)", None),
    }
    numbers = counts(asked(now) | quiet | _everybody(now), now, fresh)
    return Figures(
        population=Population(numbers["registered"], numbers["known"]),
        attention=Attention(**{name: numbers[name] for name in asked(now)}),
        voip=numbers["voip"],
        suspected_since=numbers["since"],
        waiting_for=json.loads(numbers["waiting"] or "[]"),
        at_risk={state: numbers[state] for state in STATES},
    )


def lately_at(now: datetime) -> list[tuple[str, timedelta | None]]:
    """Verdict and wake time of each call of the last 15 minutes."""
    calls = Call.objects.filter(sent_at__range=(now - LATELY, now))
    return list(calls.values_list("verdict", "wake_time"))


def kpis(found: Figures, lately: list[tuple], now: datetime) -> Kpis:
    """The figures of the strip."""
    handled = sum(verdict == "handled" for verdict, _ in lately)
    judged = handled + sum(verdict == "unhandled" for verdict, _ in lately)
    times = sorted(
        time.total_seconds()
        for verdict, time in lately
        if verdict == "handled" and time is not None
    )
    queues = lanes(now)
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


def feed_rows() -> list[FeedRow]:
    """The newest pushes with what became of them."""
    newest = Push.objects.select_related("device", "sip_call").only(*FEED_FIELDS)
    rows = newest.order_by("-created_at", "-pk")[:FEED_ROWS]
    return [feed_row(push) for push in rows]


def feed_row(push: Push) -> FeedRow:
    """One push with what became of it."""
    tone, words = outcome_of(push)
    return FeedRow(push, push.sent_at or push.created_at, tone, words)
