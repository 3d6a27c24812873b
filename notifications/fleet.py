"""The read model of the live page: figures, risk board, outcomes, sources. Reads only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from django.db.models import Case, Count, Max, Q, When

from notifications import charts
from notifications.alarms import Alarm, alarms
from notifications.backlog import Lane, lanes
from notifications.models import App, Call, Ledger, Push
from notifications.protecting import Protection
from notifications.shielding import shown_protections
from notifications.sources import Hold, Source, hold_at, source_of
from notifications.wording import CHIPS, ago, evidence_of, outcome_of, rules_in_words
from registrations.models import Device, Feed, Holding

LATELY = timedelta(minutes=15)
BOARD_ROWS = 50
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
STATE_ORDER = ("suspected", "not_waking", "silent", "released", "recovered")


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One device at risk."""

    device: Device
    ledger: Ledger
    tone: str
    icon: str
    ages: list[tuple[datetime, str]]
    lead: str
    evidence: str
    #: What protect mode does with the next call's push; None where it has no say.
    protection: Protection | None = None


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


class Picture:
    """The whole live page at one moment. Each part is read when it is first asked for.

    Who shows the feed and the board asks for the feed first: a verdict it shows is then in
    the board too.
    """

    spans = tuple(charts.SPANS)

    def __init__(
        self, now: datetime, span: str = "1h", population: Population | None = None
    ) -> None:
        self._now, self._span, self._population = now, span, population

    @cached_property
    def feed(self) -> list[FeedRow]:
        return feed_rows()

    @cached_property
    def board(self) -> list[BoardRow]:
        return board_rows(self._now)

    @property
    def counts(self) -> list[tuple[str, str, int]]:
        return _counts(self.board)

    @cached_property
    def kpis(self) -> Kpis:
        return kpis(self._now, self._population)

    @cached_property
    def _feeds(self) -> list[Feed]:
        enabled = Feed.objects.filter(enabled=True)
        return list(enabled.defer("pending", "branches"))

    @property
    def sources(self) -> list[Source]:
        return [source_of(feed, self._now) for feed in self._feeds]

    @property
    def assuming(self) -> list[Feed]:
        return [feed for feed in self._feeds if feed.has_assumed]

    @cached_property
    def hold(self) -> Hold | None:
        return hold_at(self._feeds, self._now)

    @property
    def alarms(self) -> list[Alarm]:
        return alarms()

    @property
    def rules(self) -> str:
        return rules_in_words(App.objects.all())

    @cached_property
    def outcomes(self) -> charts.Outcomes:
        return charts.outcomes(self._now, self._span)

    @cached_property
    def wake(self) -> charts.WakeTimes:
        return charts.wake_times(self._now, LATELY)


def population(now: datetime) -> Population:
    """As of now."""
    return Population(
        registered=Device.objects.bound_at(now).count(), known=Device.objects.count()
    )


def kpis(now: datetime, counted: Population | None = None) -> Kpis:
    """The figures of the strip. `counted`: the devices, where they were counted lately."""
    devices = counted or population(now)
    calls = Call.objects.filter(sent_at__gte=now - LATELY, sent_at__lte=now)
    handled, judged = _judged(calls)
    times = sorted(
        time.total_seconds()
        for time in calls.filter(verdict="handled").values_list("wake_time", flat=True)
        if time is not None
    )
    voip = Push.objects.filter(
        push_type="voip", sent_at__range=(now - LATELY, now)
    ).count()
    queues, at_risk = lanes(now), _at_risk()
    suspected, suspected_since = at_risk.get("suspected", (0, None))
    return Kpis(
        registered=devices.registered,
        known=devices.known,
        voip=voip,
        per_minute=voip / (LATELY.total_seconds() / 60),
        handled=handled,
        judged=judged,
        woken=100 * handled / judged if judged else None,
        median=_quantile(times, 0.5),
        p95=_quantile(times, 0.95),
        at_risk=at_risk.get("not_waking", (0, None))[0],
        suspected=suspected,
        suspected_since=suspected_since,
        waiting=sum(queue.waiting + queue.later for queue in queues),
        oldest=max(
            (one.oldest for one in queues if one.oldest is not None), default=None
        ),
        queues=queues,
    )


def _judged(calls) -> tuple[int, int]:
    counts = calls.aggregate(
        handled=Count("pk", filter=Q(verdict="handled")),
        unhandled=Count("pk", filter=Q(verdict="unhandled")),
    )
    return counts["handled"], counts["handled"] + counts["unhandled"]


def _quantile(ordered: list[float], share: float) -> float | None:
    """Nearest-rank quantile."""
    if not ordered:
        return None
    return ordered[max(0, -(-int(len(ordered) * share * 1000) // 1000) - 1)]


def _at_risk() -> dict[str, tuple[int, datetime]]:
    """State → how many devices are in it, and since when the newest of them."""
    held = Holding.objects.filter(
        current=True, token__ledger__state__in=["not_waking", "suspected"]
    )
    groups = held.order_by().values_list("token__ledger__state")
    counted = groups.annotate(
        devices=Count("device", distinct=True), newest=Max("token__ledger__since")
    )
    return {state: (devices, newest) for state, devices, newest in counted}


def board_rows(now: datetime) -> list[BoardRow]:
    """Devices that hold a token whose ledger is not fine, the worst first."""
    places = [When(token__ledger__state=s, then=n) for n, s in enumerate(STATE_ORDER)]
    held = Holding.objects.filter(current=True, token__ledger__state__in=STATE_ORDER)
    worst = held.order_by(Case(*places), "-token__ledger__strikes", "device__aor", "pk")
    holdings = worst.select_related("device", "token__ledger")[:BOARD_ROWS]
    rows = [_board_row(one.device, one.token.ledger, now) for one in holdings]
    said = shown_protections([row.ledger for row in rows], App.objects.all())
    return [replace(row, protection=said.get(row.ledger.token_id)) for row in rows]


def _board_row(device: Device, ledger: Ledger, now: datetime) -> BoardRow:
    tone, icon = CHIPS[ledger.state]
    if ledger.state == "not_waking" and ledger.strikes == 1:
        tone = "warn"
    moments = [datetime.fromisoformat(strike["sent_at"]) for strike in ledger.run]
    ages = [(moment, ago(moment, now)) for moment in reversed(moments[-3:])]
    lead, evidence = evidence_of(ledger, now)
    return BoardRow(device, ledger, tone, icon, ages, lead, evidence)


def _counts(board: list[BoardRow]) -> list[tuple[str, str, int]]:
    found = [("", "All", len(board))]
    for state in STATE_ORDER:
        number = sum(row.ledger.state == state for row in board)
        label = "Suspected" if state == "suspected" else Ledger.State(state).label
        if number:
            found.append((state, label, number))
    return found


def feed_rows() -> list[FeedRow]:
    """The newest pushes with what became of them."""
    newest = Push.objects.select_related("device", "sip_call").only(*FEED_FIELDS)
    rows = newest.order_by("-created_at", "-pk")[:FEED_ROWS]
    return [feed_row(push) for push in rows]


def feed_row(push: Push) -> FeedRow:
    """One push with what became of it."""
    tone, words = outcome_of(push)
    return FeedRow(push, push.sent_at or push.created_at, tone, words)
