"""The read model of the Failures page: by reason, failed deliveries, what people did."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from notifications import audit_list, refused_list
from notifications.at_once import COUNTED, capped
from notifications.failed_pushes import FAILURES, Failed, failed
from notifications.failure_reasons import NOTHING, VERSIONED, Told, told
from notifications.fleet import feed_row
from notifications.keyset import query
from notifications.listing import Asked, Listing, Page
from notifications.models import App, AuditEntry, Push
from notifications.proposing import proposed_for_pushes
from notifications.push_terms import AGENTS
from notifications.ranges import Range
from notifications.spans import Time
from notifications.terms import proposed
from notifications.wording import rules_in_words

#: Name → what it is called, and what it can be asked.
TABS: dict[str, tuple[str, Listing]] = {
    "reasons": (_("By reason"), FAILURES),
    "deliveries": (_("Failed deliveries"), FAILURES),
    "refused": (_("Refused requests"), refused_list.REFUSED),
    "activity": (_("Activity"), audit_list.AUDIT),
}


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab of the page, with how many rows it has."""

    name: str
    label: str
    number: int
    address: str


@dataclass(frozen=True, slots=True)
class Failures:
    """The whole page."""

    tab: str
    #: What people did was asked for, and who asks may not see it.
    is_kept_back: bool
    tabs: list[Tab]
    time: Time
    #: From when to when it is.
    stretch: Range
    #: The range, or the time that the query names.
    named: Range
    #: What the tab that is shown was asked.
    asked: Asked
    told: Told
    #: There were more than are told of.
    is_cut: bool
    #: Apps and versions are told of fewer still.
    is_sampled: bool
    #: What woke nobody is asked for alone.
    is_of_asleep: bool
    #: Rows of the tab; None of that by reason.
    page: Page | None
    #: Worth proposing while the query is typed.
    terms: list[tuple[str, str]]
    #: Of the tab of activity.
    entries: audit_list.Entries | None
    #: Door and status → requests refused, the commonest first.
    refused: list[tuple[str, int, int]]
    failed: int
    #: Rows of the list of failed deliveries.
    listed: int
    #: Pushes that APNs took and that woke nobody.
    asleep: int
    pushes: int
    rules: str

    @property
    def faults(self) -> tuple[str, ...]:
        """What cannot be read."""
        return self.asked.query.faults + self.time.faults

    @property
    def share(self) -> float | None:
        """In percent; None where there are more than are counted."""
        return 100 * self.failed / self.pushes if 0 < self.pushes <= COUNTED else None

    @property
    def spans(self) -> list[tuple[str, str]]:
        """Each span, with its address."""
        return self.time.links(self.asked.address)

    @property
    def failed_address(self) -> str:
        """The list of failed deliveries on Pushes."""
        outcomes = () if self.is_of_asleep else ("rejected", "lost")
        return query(outcome=outcomes, **self.time.outright, q=self.asked.q)

    @property
    def deliveries(self) -> str:
        """The list of failed deliveries of the same time, for a query that follows."""
        return query(**self.time.outright, tab="deliveries")

    @property
    def export(self) -> tuple[str, str]:
        """What the tab exports: the list, and its address."""
        names = {"deliveries": "failed", "refused": "refused", "activity": "audit"}
        here = query(**self.time.outright, q=self.asked.q)
        return names.get(self.tab, "failures"), here

    @property
    def time_address(self) -> str:
        """Its time as a part of an address."""
        return query(**self.time.outright)


def failures(asked, now: datetime, *, sees_activity: bool) -> Failures:
    """Failed pushes of the time; what people did, for those who may see it."""
    tabs = [name for name in TABS if name != "activity" or sees_activity]
    named = asked.get("tab", "reasons")
    tab = named if named in tabs else "reasons"
    time = refused_list.SPANS.time(asked)
    wanted = TABS[tab][1].read(asked, tab=tab, **time.outright)
    time = time.beside(wanted.query)
    found = failed(_of_pushes(wanted, tab), time, now)
    apps, stretch = list(App.objects.all()), time.stretch(now)
    shown = _told(found, stretch, now) if tab == "reasons" else None
    refused = refused_list.by_door(stretch)
    numbers = _numbers(found, shown, stretch, sees_activity)
    numbers["refused"] = sum(times for *_, times in refused)
    most = max(numbers["deliveries"], numbers["unwoken"])
    listed = numbers["asleep" if found.is_of_asleep else "deliveries"]
    of_tabs = numbers | {"deliveries": listed}
    entries = None
    if tab == "activity":
        entries = audit_list.entries(asked, wanted, time, now)
    return Failures(
        tab=tab,
        is_kept_back=named == "activity" and not sees_activity,
        tabs=[_tab(name, wanted, tab, of_tabs.get(name, 0)) for name in tabs],
        time=time,
        stretch=stretch,
        named=time.named(now),
        asked=wanted,
        told=shown or NOTHING,
        is_cut=most > COUNTED,
        is_sampled=most > VERSIONED,
        is_of_asleep=found.is_of_asleep,
        page=entries.page if entries else _page(tab, wanted, asked, found, time, now),
        terms=entries.terms if entries else _terms(tab, apps),
        entries=entries,
        refused=refused,
        failed=numbers["deliveries"],
        listed=listed,
        asleep=numbers["asleep"],
        pushes=numbers["pushes"],
        rules=rules_in_words(apps),
    )


def _numbers(
    found: Failed, shown: Told | None, stretch: Range, sees_activity: bool
) -> dict[str, int]:
    """How many rows tabs have, and what the head says; what is told by reason is counted
    with that.
    """
    done = AuditEntry.objects.filter(stretch.of("at"))
    rows = {
        "pushes": Push.objects.filter(stretch.of("created_at")),
        "activity": done if sees_activity else done.none(),
        "unwoken": found.calls,
    }
    if shown is None:
        rows |= {"deliveries": found.rows, "asleep": found.asleep}
    numbers = dict(zip(rows, capped(*rows.values()), strict=True))
    if shown is not None:
        numbers |= {"deliveries": shown.failed, "asleep": shown.asleep}
    return numbers


def _of_pushes(wanted: Asked, tab: str) -> Asked:
    """The query where it is one of pushes: the numbers of the head are of all otherwise."""
    return wanted if TABS[tab][1] is FAILURES else FAILURES.read({})


def _told(found: Failed, stretch: Range, now: datetime) -> Told:
    return told(found.rows, found.asleep, stretch.since, stretch.until or now)


def _tab(name: str, wanted: Asked, current: str, number: int) -> Tab:
    """A tab that is asked other things begins without the query, and in its first order."""
    (label, listing), address = TABS[name], wanted.address | {"tab": name}
    if listing is not TABS[current][1]:
        address |= {"q": "", "sort": ""}
    return Tab(name, label, number, query(**address))


def _page(
    tab: str, wanted: Asked, asked, found: Failed, time: Time, now: datetime
) -> Page | None:
    if tab == "reasons":
        return None
    if tab == "refused":
        return wanted.page(refused_list.fitting(wanted, time, now), asked)
    rows = found.listed.select_related("device", "token__ledger", "app", "sip_call")
    page = wanted.page(rows, asked)
    return replace(page, rows=list(map(feed_row, page.rows)))


def _terms(tab: str, apps: list[App]) -> list[tuple[str, str]]:
    if tab == "refused":
        return proposed(refused_list.REFUSED.kinds)
    return proposed_for_pushes(apps, without=AGENTS)
