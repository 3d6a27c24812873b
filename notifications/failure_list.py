"""The read model of the Failures page: by reason, failed deliveries, what people did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet, Sum
from django.utils.translation import gettext_lazy as _

from notifications.at_once import COUNTED, capped
from notifications.conditions import joined
from notifications.failure_reasons import ASLEEP, FAILED, NOTHING, Told, told
from notifications.filters import Chip, term_chip
from notifications.fleet import FeedRow, feed_row
from notifications.keyset import BY_END, Slice, cut, query, words
from notifications.models import (
    App,
    AuditEntry,
    Call,
    Door,
    Push,
    Refusal,
    RefusalCount,
)
from notifications.push_terms import condition_of, kinds
from notifications.terms import Query, read_query
from notifications.wording import rules_in_words

SPANS = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
TABS = {
    "reasons": _("By reason"),
    "deliveries": _("Failed deliveries"),
    "refused": _("Refused requests"),
    "activity": _("Activity"),
}
ROWS = 100
#: Pushes of one call are no further apart.
LONGEST_CALL = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Failures:
    """The whole page."""

    tab: str
    #: What people did was asked for, and who asks may not see it.
    is_kept_back: bool
    tabs: list[tuple[str, str, int]]
    span: str
    spans: list[str]
    told: Told
    #: There were more than are told of.
    is_cut: bool
    deliveries: list[FeedRow]
    newer: str
    older: str
    q: str
    chips: list[Chip]
    faults: tuple[str, ...]
    refusals: list[Refusal]
    #: Door and status → requests refused, the commonest first.
    refused: list[tuple[str, int, int]]
    activity: list[AuditEntry]
    failed: int
    #: Pushes that APNs took and that woke nobody.
    asleep: int
    pushes: int
    #: In percent; None where there are more than are counted.
    share: float | None
    rules: str

    @property
    def failed_address(self) -> str:
        """The failed deliveries of the span on Pushes."""
        return query(outcome=["rejected", "lost"], span=self.span, q=self.q)

    @property
    def address(self) -> str:
        """All failures of the span on Pushes."""
        outcomes = ["rejected", "lost", "asleep"]
        return query(outcome=outcomes, span=self.span, q=self.q)

    @property
    def clear(self) -> str:
        """This page without its query."""
        return query(span=self.span, tab=self.tab)


def failures(asked, now: datetime, *, sees_activity: bool) -> Failures:
    """Failed pushes of the span; what people did, for those who may see it."""
    span = asked.get("span", "24h")
    span = span if span in SPANS else "24h"
    since = now - SPANS[span]
    wanted = read_query(words(asked.get("q", "")), kinds())
    calls = Call.objects.filter(verdict="unhandled", sent_at__gte=since - LONGEST_CALL)
    rows, asleep = _fitting(wanted, calls, since, now)
    activity = AuditEntry.objects.filter(at__gte=since)
    seen = activity if sees_activity else activity.none()
    asked_for = Push.objects.filter(created_at__gte=since)
    failed, pushes, done, unwoken, slept = capped(rows, asked_for, seen, calls, asleep)
    refused = _refused(since)
    numbers = {
        "deliveries": failed,
        "refused": sum(number for *_, number in refused),
        "activity": done,
    }
    tabs = [name for name in TABS if name != "activity" or sees_activity]
    tab = asked.get("tab", "reasons")
    is_kept_back = tab == "activity" and not sees_activity
    tab = tab if tab in tabs else "reasons"
    newest = rows.select_related("device", "token__ledger", "app", "sip_call")
    # Only what the tab shows is asked of the database.
    by_reason, is_list = tab == "reasons", tab == "deliveries"
    page = cut(newest, BY_END, asked) if is_list else Slice([], "", "")
    found = told(rows, asleep, since, now) if by_reason else NOTHING
    q = " ".join(term.written for term in wanted.terms)
    address = {"span": span, "tab": tab, "q": q}
    return Failures(
        tab=tab,
        is_kept_back=is_kept_back,
        tabs=[(name, TABS[name], numbers.get(name, 0)) for name in tabs],
        span=span,
        spans=list(SPANS),
        told=found,
        is_cut=max(failed, unwoken) > COUNTED,
        deliveries=[feed_row(push) for push in page.rows],
        newer=page.newer and query(**address, after=page.newer),
        older=page.older and query(**address, before=page.older),
        q=q,
        chips=[term_chip(term, wanted, address) for term in wanted.terms],
        faults=wanted.faults,
        refusals=_newest(Refusal.objects.filter(at__gte=since), tab == "refused"),
        refused=refused,
        activity=_newest(activity, tab == "activity"),
        failed=failed,
        asleep=slept,
        pushes=pushes,
        share=100 * failed / pushes if 0 < pushes <= COUNTED else None,
        rules=rules_in_words(App.objects.all()),
    )


def _newest(rows: QuerySet, is_shown: bool) -> list:
    return list(rows[:ROWS]) if is_shown else []


def _fitting(
    wanted: Query, calls: QuerySet[Call], since: datetime, now: datetime
) -> tuple[QuerySet[Push], QuerySet[Push]]:
    """What failed, and what did not wake; nothing where a word of the query is wrong."""
    ended = Push.objects.filter(ended_at__gte=since)
    # What is asked for is looked for among the newest calls: no filter reads them all.
    newest = calls.order_by("-sent_at").values("pk")[: COUNTED + 1]
    both = ended.filter(FAILED), ended.filter(ASLEEP, sip_call__in=newest)
    if wanted.faults:
        return tuple(rows.none() for rows in both)
    asked = joined(wanted, lambda term: condition_of(term, now))
    return tuple(rows.filter(asked) for rows in both)


def _refused(since: datetime) -> list[tuple[str, int, int]]:
    rows = RefusalCount.objects.filter(hour__gt=since - timedelta(hours=1)).order_by()
    groups = rows.values_list("door", "status").annotate(sum=Sum("number"))
    found = [(Door(door).label, status, number) for door, status, number in groups]
    return sorted(found, key=lambda one: -one[2])
