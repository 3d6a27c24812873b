"""The read model of the Failures page: by reason, failed deliveries, what people did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from notifications.at_once import COUNTED, capped
from notifications.conditions import joined
from notifications.failure_reasons import (
    FAILED,
    NOTHING,
    VERSIONED,
    Told,
    told,
)
from notifications.filters import Chip, term_chip
from notifications.fleet import FeedRow, feed_row
from notifications.keyset import BY_END, Slice, cut, pairs, query, words
from notifications.models import (
    App,
    AuditEntry,
    Call,
    Push,
    Refusal,
)
from notifications.proposing import proposed_for_pushes
from notifications.push_terms import AGENTS, OF_DEVICES, TAKEN, condition_of, kinds
from notifications.ranges import Range, range_of
from notifications.refused_list import SPANS, USUAL_SPAN, by_door, refusals, stretch_of
from notifications.terms import Query, read_query
from notifications.wording import rules_in_words

TABS = {
    "reasons": _("By reason"),
    "deliveries": _("Failed deliveries"),
    "refused": _("Refused requests"),
    "activity": _("Activity"),
}
ROWS = 100
#: Filters of other lists: the newest that failed may lie too far apart to look at each.
ELSEWHERE = OF_DEVICES | dict.fromkeys(AGENTS, _("Devices and Pushes"))
#: Pushes of one call are no further apart.
LONGEST_CALL = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Failures:
    """The whole page."""

    tab: str
    #: What people did was asked for, and who asks may not see it.
    is_kept_back: bool
    tabs: list[tuple[str, str, int]]
    #: "" where the address names a range.
    span: str
    spans: list[str]
    range: Range
    #: From when to when it is.
    stretch: Range
    told: Told
    #: There were more than are told of.
    is_cut: bool
    #: Apps and versions are told of fewer still.
    is_sampled: bool
    deliveries: list[FeedRow]
    newer: str
    older: str
    q: str
    chips: list[Chip]
    faults: tuple[str, ...]
    #: Worth proposing while the query is typed.
    terms: list[tuple[str, str]]
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
        return query(outcome=["rejected", "lost"], **self._time, q=self.q)

    @property
    def address(self) -> str:
        """All failures of the span on Pushes."""
        outcomes = ["rejected", "lost", "asleep"]
        return query(outcome=outcomes, **self._time, q=self.q)

    @property
    def export(self) -> tuple[str, str]:
        """What the tab exports: the list, and its address."""
        span = query(**self._time)
        return {
            "deliveries": ("pushes", self.failed_address),
            "refused": ("refused", span),
            "activity": ("audit", span),
        }.get(self.tab, ("pushes", self.address))

    @property
    def time(self) -> str:
        """Its time as a part of an address."""
        return query(**self._time)

    @property
    def kept(self) -> list[tuple[str, str]]:
        """All but its time, as hidden fields of a form."""
        return pairs({"tab": self.tab, "q": self.q})

    @property
    def timed(self) -> list[tuple[str, str]]:
        """Its time, as hidden fields of a form."""
        return pairs(self._time)

    @property
    def _time(self) -> dict[str, str]:
        return {"span": self.span, **self.range.address}

    @property
    def clear(self) -> str:
        """This page without its query."""
        return query(**self._time, tab=self.tab)


def failures(asked, now: datetime, *, sees_activity: bool) -> Failures:
    """Failed pushes of the span; what people did, for those who may see it."""
    span = asked.get("span", USUAL_SPAN)
    span = span if span in SPANS else USUAL_SPAN
    asked_range = range_of(asked)
    stretch = stretch_of(asked, now)
    since = stretch.since
    known = {name: kind for name, kind in kinds().items() if name not in AGENTS}
    wanted = read_query(words(asked.get("q", "")), known, ELSEWHERE)
    is_wrong = bool(wanted.faults or asked_range.faults)
    earlier = Range(since - LONGEST_CALL, stretch.until)
    calls = Call.objects.filter(earlier.of("sent_at"), verdict="unhandled")
    rows, asleep = _fitting(wanted, calls, stretch, now)
    if is_wrong:
        rows, asleep = rows.none(), asleep.none()
    apps = list(App.objects.all())
    activity = AuditEntry.objects.filter(stretch.of("at"))
    seen = activity if sees_activity else activity.none()
    asked_for = Push.objects.filter(stretch.of("created_at"))
    refused = by_door(stretch)
    tabs = [name for name in TABS if name != "activity" or sees_activity]
    tab = asked.get("tab", "reasons")
    is_kept_back = tab == "activity" and not sees_activity
    tab = tab if tab in tabs else "reasons"
    newest = rows.select_related("device", "token__ledger", "app", "sip_call")
    # Only what the tab shows is asked of the database.
    by_reason, is_list = tab == "reasons", tab == "deliveries"
    page = cut(newest, BY_END, asked) if is_list else Slice([], "", "")
    found = told(rows, asleep, since, stretch.until or now) if by_reason else NOTHING
    pushes, done, unwoken = capped(asked_for, seen, calls)
    # What is told by reason is counted already.
    failed, slept = (found.failed, found.asleep) if by_reason else capped(rows, asleep)
    numbers = {
        "deliveries": failed,
        "refused": sum(number for *_, number in refused),
        "activity": done,
    }
    q = " ".join(term.written for term in wanted.terms)
    span = "" if asked_range else span
    address = {"span": span, **asked_range.address, "tab": tab, "q": q}
    return Failures(
        tab=tab,
        is_kept_back=is_kept_back,
        tabs=[(name, TABS[name], numbers.get(name, 0)) for name in tabs],
        span=span,
        spans=list(SPANS),
        range=asked_range,
        stretch=stretch,
        told=found,
        is_cut=max(failed, unwoken) > COUNTED,
        is_sampled=max(failed, unwoken) > VERSIONED,
        deliveries=[feed_row(push) for push in page.rows],
        newer=page.newer and query(**address, after=page.newer),
        older=page.older and query(**address, before=page.older),
        q=q,
        chips=[term_chip(term, wanted, address) for term in wanted.terms],
        faults=wanted.faults + asked_range.faults,
        terms=proposed_for_pushes(apps, without=AGENTS),
        refusals=_newest(refusals(stretch), tab == "refused"),
        refused=refused,
        activity=_newest(activity, tab == "activity"),
        failed=failed,
        asleep=slept,
        pushes=pushes,
        share=100 * failed / pushes if 0 < pushes <= COUNTED else None,
        rules=rules_in_words(apps),
    )


def _newest(rows: QuerySet, is_shown: bool) -> list:
    return list(rows[:ROWS]) if is_shown else []


def _fitting(
    wanted: Query, calls: QuerySet[Call], stretch: Range, now: datetime
) -> tuple[QuerySet[Push], QuerySet[Push]]:
    """What failed, and what did not wake."""
    ended = Push.objects.filter(stretch.of("ended_at"))
    # What is asked for is looked for among the newest calls: no filter reads them all.
    newest = calls.order_by("-sent_at").values("pk")[: COUNTED + 1]
    both = ended.filter(FAILED), ended.filter(TAKEN, sip_call__in=newest)
    asked = joined(wanted, lambda term: condition_of(term, now))
    return tuple(rows.filter(asked) for rows in both)
