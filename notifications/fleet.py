"""The read model of the live page: figures, risk board, outcomes, sources. Reads only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Count, Max, Prefetch, Q

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
class Picture:
    """The whole live page at one moment."""

    kpis: Kpis
    board: list[BoardRow]
    counts: list[tuple[str, str, int]]
    feed: list[FeedRow]
    sources: list[Source]
    assuming: list[Feed]
    hold: Hold | None
    alarms: list[Alarm]
    rules: str
    outcomes: charts.Outcomes
    wake: charts.WakeTimes
    spans: tuple[str, ...] = tuple(charts.SPANS)


def picture(now: datetime, span: str = "1h") -> Picture:
    """Everything the live page shows."""
    # The feed first: a verdict it shows is then in the board too.
    feed = feed_rows()
    board = board_rows(now)
    feeds = list(Feed.objects.filter(enabled=True))
    return Picture(
        kpis=kpis(now),
        board=board,
        counts=_counts(board),
        feed=feed,
        sources=[source_of(feed, now) for feed in feeds],
        assuming=[feed for feed in feeds if feed.has_assumed],
        hold=hold_at(feeds, now),
        alarms=alarms(),
        rules=rules_in_words(App.objects.all()),
        outcomes=charts.outcomes(now, span),
        wake=charts.wake_times(now, LATELY),
    )


def kpis(now: datetime) -> Kpis:
    """The figures of the strip."""
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
    queues = lanes(now)
    return Kpis(
        registered=Device.objects.bound_at(now).count(),
        known=Device.objects.count(),
        voip=voip,
        per_minute=voip / (LATELY.total_seconds() / 60),
        handled=handled,
        judged=judged,
        woken=100 * handled / judged if judged else None,
        median=_quantile(times, 0.5),
        p95=_quantile(times, 0.95),
        at_risk=_devices_in("not_waking"),
        suspected=_devices_in("suspected"),
        suspected_since=_newest_since("suspected"),
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


def _devices_in(state: str) -> int:
    holdings = Holding.objects.filter(current=True, token__ledger__state=state)
    return holdings.values("device").distinct().count()


def _newest_since(state: str) -> datetime | None:
    return Ledger.objects.filter(state=state).aggregate(Max("since"))["since__max"]


def board_rows(now: datetime) -> list[BoardRow]:
    """Every device that holds a token whose ledger is not fine, the worst first."""
    holders = Prefetch(
        "token__holdings", Holding.objects.filter(current=True).select_related("device")
    )
    ledgers = Ledger.objects.exclude(state="fine").select_related("token")
    rows = [
        _board_row(holding.device, ledger, now)
        for ledger in ledgers.prefetch_related(holders)
        for holding in ledger.token.holdings.all()
    ]
    rows.sort(
        key=lambda row: (
            STATE_ORDER.index(row.ledger.state),
            -row.ledger.strikes,
            row.device.aor,
        )
    )
    shown = rows[:BOARD_ROWS]
    said = shown_protections([row.ledger for row in shown], App.objects.all())
    return [replace(row, protection=said.get(row.ledger.token_id)) for row in shown]


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
    pushes = Push.objects.select_related("device", "sip_call")
    return [
        feed_row(push) for push in pushes.order_by("-created_at", "-pk")[:FEED_ROWS]
    ]


def feed_row(push: Push) -> FeedRow:
    """One push with what became of it."""
    tone, words = outcome_of(push)
    return FeedRow(push, push.sent_at or push.created_at, tone, words)
