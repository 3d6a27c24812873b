"""The read model of the Failures page: by reason, failed deliveries, what people did."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, Q, Sum
from django.db.models.functions import TruncHour

from notifications.apns import REASONS
from notifications.fleet import FeedRow, feed_row
from notifications.keyset import query
from notifications.models import App, AuditEntry, Door, Push, Refusal, RefusalCount
from notifications.wording import rules_in_words

SPANS = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
TABS = {
    "reasons": "By reason",
    "deliveries": "Failed deliveries",
    "refused": "Refused requests",
    "activity": "Activity",
}
ROWS = 100
SLOTS = 24
#: A trend is drawn in a box of this size.
WIDTH, HEIGHT = 112, 24
FAILED = Q(state__in=["rejected", "unknown", "failed", "expired"])
ASLEEP = Q(state="accepted", sip_call__verdict="unhandled")
#: What a push that failed without a reason of APNs means, by its state.
STATES = {
    "accepted": (
        "App did not wake",
        "200, then no sign of waking",
        "APNs took the push, and no sign of waking came within the wake window.",
        "Check strikes first. If most are on one app version, suspect that build.",
    ),
    "unknown": (
        "No answer",
        "unknown",
        "It left the house and no answer came: APNs may have taken it.",
        "Check the network to APNs. A VoIP push is not sent again by itself.",
    ),
    "failed": (
        "Not sent",
        "failed",
        "It could not be sent, and surely was not.",
        "Open one of them: its attempts say what stood in the way.",
    ),
    "expired": (
        "Expired",
        "expired",
        "Its life was over before it could be sent.",
        "Look at the queue on Live: workers or APNs were too slow.",
    ),
    "rejected": (
        "Rejected",
        "rejected",
        "APNs refused it without a reason we know.",
        "Open one of them: its attempts say more.",
    ),
}


@dataclass(slots=True)
class Reason:
    """Pushes that failed for one reason."""

    state: str
    reason: str
    number: int = 0
    devices: int = 0
    trend: list[int] = field(default_factory=lambda: [0] * SLOTS)

    @property
    def words(self) -> tuple[str, str, str, str]:
        """Name, status, meaning, remedy."""
        known = REASONS.get(self.reason)
        if known is None:
            name, *rest = STATES[self.state]
            return (self.reason or name, *rest)
        return self.reason, str(known.status), known.meaning, known.remedy

    @property
    def filters(self) -> str:
        """The address of these pushes on the Pushes page, without the span."""
        if self.state == "accepted":
            return "outcome=asleep"
        outcome = "rejected" if self.state == "rejected" else "lost"
        return f"outcome={outcome}" + (f"&reason={self.reason}" if self.reason else "")

    @property
    def line(self) -> str:
        """The trend as points of an SVG line."""
        most, step = max(*self.trend, 1), WIDTH / (SLOTS - 1)
        return " ".join(
            f"{i * step:.1f},{HEIGHT - 1 - (HEIGHT - 3) * number / most:.1f}"
            for i, number in enumerate(self.trend)
        )

    @property
    def area(self) -> str:
        """The same, closed at the bottom."""
        return f"0,{HEIGHT} {self.line} {WIDTH},{HEIGHT}"


@dataclass(frozen=True, slots=True)
class Failures:
    """The whole page."""

    tab: str
    tabs: list[tuple[str, str, int]]
    span: str
    spans: list[str]
    reasons: list[Reason]
    deliveries: list[FeedRow]
    refusals: list[Refusal]
    #: Door and status → requests refused, the commonest first.
    refused: list[tuple[str, int, int]]
    activity: list[AuditEntry]
    failed: int
    pushes: int
    share: float
    rules: str

    @property
    def failed_address(self) -> str:
        """The failed deliveries of the span on Pushes."""
        return query(outcome=["rejected", "lost"], span=self.span)


def failures(asked, now: datetime, *, sees_activity: bool) -> Failures:
    """Failed pushes of the span; what people did, for those who may see it."""
    span = asked.get("span", "24h")
    span = span if span in SPANS else "24h"
    since = now - SPANS[span]
    rows = Push.objects.filter(FAILED, ended_at__gte=since)
    failed = rows.count()
    pushes = Push.objects.filter(created_at__gte=since).count()
    activity = AuditEntry.objects.filter(at__gte=since)
    refused = _refused(since)
    numbers = {
        "deliveries": failed,
        "refused": sum(number for *_, number in refused),
        "activity": activity.count(),
    }
    tabs = [name for name in TABS if name != "activity" or sees_activity]
    tab = asked.get("tab", "reasons")
    newest = rows.select_related("device", "token__ledger", "app", "sip_call")
    return Failures(
        tab=tab if tab in tabs else "reasons",
        tabs=[(name, TABS[name], numbers.get(name, 0)) for name in tabs],
        span=span,
        spans=list(SPANS),
        reasons=_reasons(since, now),
        deliveries=[feed_row(push) for push in newest.order_by("-ended_at")[:ROWS]],
        refusals=list(Refusal.objects.filter(at__gte=since)[:ROWS]),
        refused=refused,
        activity=list(activity[:ROWS]) if sees_activity else [],
        failed=failed,
        pushes=pushes,
        share=100 * failed / pushes if pushes else 0.0,
        rules=rules_in_words(App.objects.all()),
    )


def _refused(since: datetime) -> list[tuple[str, int, int]]:
    rows = RefusalCount.objects.filter(hour__gt=since - timedelta(hours=1)).order_by()
    groups = rows.values_list("door", "status").annotate(sum=Sum("number"))
    found = [(Door(door).label, status, number) for door, status, number in groups]
    return sorted(found, key=lambda one: -one[2])


def _reasons(since: datetime, now: datetime) -> list[Reason]:
    """The reasons of the span, the commonest first, with their trend."""
    found: dict[tuple[str, str], Reason] = {}
    rows = Push.objects.filter(FAILED | ASLEEP, ended_at__gte=since).order_by()
    groups = rows.values_list("state", "reason")
    counted = groups.annotate(n=Count("pk"), d=Count("device", distinct=True))
    for state, reason, number, devices in counted:
        found[state, reason] = Reason(state, reason, number, devices)
    hours = groups.annotate(hour=TruncHour("ended_at"), n=Count("pk"))
    trends: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * SLOTS)
    for state, reason, hour, number in hours:
        slot = int((hour - since) / (now - since) * SLOTS)
        trends[state, reason][max(0, min(slot, SLOTS - 1))] += number
    for key, one in found.items():
        one.trend = trends[key]
    return sorted(found.values(), key=lambda one: -one.number)
