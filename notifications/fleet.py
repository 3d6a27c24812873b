"""The read model of the live page: figures, risk board, outcomes, sources. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min, Prefetch, Q

from notifications import charts
from notifications.models import Call, Ledger, Push
from notifications.wording import CHIPS, ago, evidence_of, outcome_of
from registrations.models import Device, Feed, Holding

LATELY = timedelta(minutes=15)
BOARD_ROWS = 50
FEED_ROWS = 60
STATE_ORDER = ("suspected", "not_waking", "silent", "released", "recovered")


@dataclass(frozen=True, slots=True)
class Source:
    """A feed and how far behind it is."""

    feed: Feed
    tone: str
    words: str


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One device at risk."""

    device: Device
    ledger: Ledger
    tone: str
    icon: str
    ages: list[tuple[datetime, str]]
    evidence: str


@dataclass(frozen=True, slots=True)
class FeedRow:
    """One push outcome."""

    push: Push
    at: datetime
    tone: str
    words: str


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
    waiting: int
    oldest: float | None


@dataclass(frozen=True, slots=True)
class Picture:
    """The whole live page at one moment."""

    kpis: Kpis
    board: list[BoardRow]
    counts: list[tuple[str, str, int]]
    feed: list[FeedRow]
    sources: list[Source]
    is_assuming: bool
    outcomes: charts.Outcomes
    wake: charts.WakeTimes
    spans: tuple[str, ...] = tuple(charts.SPANS)


def picture(now: datetime, span: str = "1h") -> Picture:
    """Everything the live page shows."""
    board = board_rows(now)
    feeds = list(Feed.objects.filter(enabled=True))
    return Picture(
        kpis=kpis(now),
        board=board,
        counts=_counts(board),
        feed=feed_rows(),
        sources=[source_of(feed, now) for feed in feeds],
        is_assuming=any(feed.has_assumed for feed in feeds),
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
    queue = Push.objects.filter(state="queued").aggregate(
        Count("pk"), Min("created_at")
    )
    oldest = queue["created_at__min"]
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
        waiting=queue["pk__count"],
        oldest=(now - oldest).total_seconds() if oldest else None,
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
    return rows[:BOARD_ROWS]


def _board_row(device: Device, ledger: Ledger, now: datetime) -> BoardRow:
    tone, icon = CHIPS[ledger.state]
    if ledger.state == "not_waking" and ledger.strikes == 1:
        tone = "warn"
    moments = [datetime.fromisoformat(strike["sent_at"]) for strike in ledger.run]
    ages = [(moment, ago(moment, now)) for moment in reversed(moments[-3:])]
    return BoardRow(device, ledger, tone, icon, ages, evidence_of(ledger, now))


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


def source_of(feed: Feed, now: datetime) -> Source:
    """A feed's dot and words: its lag, or why it says nothing."""
    if feed.trouble:
        return Source(feed, "bad", feed.trouble)
    if feed.seen_until is None:
        words = (
            "no times in it" if feed.last_read_at else "waiting for the first record"
        )
        return Source(feed, "mute", words)
    behind = now - feed.seen_until
    if behind > feed.heartbeat:
        return Source(feed, "warn", f"silent for {ago(feed.seen_until, now)}")
    seconds = max(0.0, behind.total_seconds())
    if seconds > 30:
        return Source(feed, "warn", f"{seconds:.0f} s behind")
    return Source(feed, "ok", f"{seconds:.1f} s")
