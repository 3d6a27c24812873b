"""The inbox of malformed registrations: which rules are broken, by which app versions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from django.db.models import Count, F, Q, QuerySet, Sum
from django.utils.translation import gettext_lazy as _

from notifications.conditions import aged
from notifications.consequences import CONSEQUENCES, consequence_in_inbox, remedy_of
from notifications.display import Order
from notifications.keyset import BY_COUNT, BY_ID, BY_SEEN, pages, query
from notifications.listing import Asked, Listing, Page, check, looked_since
from notifications.masking import masked
from notifications.terms import LOOKUPS, Number, Term, Text, When, proposed, written
from registrations.models import Feed, Malformed

COLUMNS = (
    "rule",
    "app",
    "feed",
    "messages",
    "first_seen_at",
    "last_seen_at",
    "estimated",
    "flexisip",
    "detail",
    "example",
)
AT_ONCE = 500
#: Rules times app versions times feeds are few; a hostile sender may invent more. So many of
#: the newest are counted, and looked through for what no index has.
LOOKED = 20_000


def with_seen(rows: QuerySet[Malformed]) -> QuerySet[Malformed]:
    """`seen`: when the newest message of each was, as the index has it."""
    return rows.annotate(seen=F("last_seen_at"))


ORDERS = {
    "newest": Order(_("Newest first"), BY_SEEN, _("Newer"), _("Older")),
    "oldest": Order(_("Oldest first"), replace(BY_SEEN, is_ascending=True)),
    "most": Order(_("Most messages first"), BY_COUNT),
}


def condition_of(term: Term, now: datetime) -> Q:
    """Which cases a term fits."""
    if term.name == "rule":
        return Q(rule=term.value)
    if term.name == "app":
        return Q(app__iexact=term.value) | Q(app__istartswith=f"{term.value}/")
    if term.name == "version":
        return _of_version(term.value)
    if term.name == "feed":
        return Q(feed__name__iexact=term.value)
    if term.name == "messages":
        return Q(**{f"count{LOOKUPS[term.sign]}": term.value})
    if term.name == "seen":
        return aged("seen", term, now)
    return _has(term.value)


def _of_version(version: str) -> Q:
    """By its beginning, as on Devices: 6.2 is 6.2.1, and not 6.20."""
    end = "(?![0-9])" if version[-1:].isdigit() else ""
    return Q(app__iregex=f"^[^/]*/{re.escape(version)}{end}")


def _has(text: str) -> Q:
    found = Q()
    for field in ("rule", "app", "detail", "feed__name"):
        found |= Q(**{f"{field}__icontains": text})
    return found


MALFORMED = Listing(
    {
        "rule": Text(dict.fromkeys(CONSEQUENCES, "")),
        "app": Text({}),
        "version": Text({}),
        "feed": Text({}),
        "messages": Number({">=100": _("100 or more")}),
        "seen": When({"<24h": _("in the last 24 h")}),
    },
    condition_of,
    ORDERS,
)


@dataclass(frozen=True, slots=True)
class Broken:
    """One rule: what follows from it, what Flexisip logs, who breaks it on this page."""

    rule: str
    consequence: str
    #: What the app must send instead.
    remedy: str
    flexisip: str
    #: Messages and cases in all, whatever page.
    count: int
    number: int
    cases: list[Malformed]
    #: All of its cases, and the devices whose newest Contact breaks it.
    address: str
    devices: str

    @property
    def is_cut(self) -> bool:
        """There are more cases than the page has."""
        return self.number > len(self.cases)


@dataclass(frozen=True, slots=True)
class Inbox:
    """What was asked, the rules on this page, and how many messages broke one."""

    asked: Asked
    page: Page
    rules: list[Broken]
    count: int
    #: Different rules in all.
    number: int
    is_empty: bool
    #: No source has given a REGISTER yet: that none is malformed says nothing.
    is_unread: bool
    #: Cases before it were neither counted nor looked through; None: all were.
    looked_since: datetime | None
    terms: list[tuple[str, str]]
    looks: int = LOOKED


def inbox(asked, now: datetime) -> Inbox:
    """Every broken rule, or those that a query leaves."""
    wanted = MALFORMED.read(asked)
    since = looked_since(with_seen(Malformed.objects.all()), BY_SEEN, LOOKED)
    rows = fitting(wanted, now)
    newest = rows if since is None else rows.filter(seen__gt=since)
    is_looked_at = any(term.name not in {"rule", "seen"} for term in wanted.query.terms)
    page = wanted.page(newest if is_looked_at else rows, asked)
    totals = _totals(newest)
    return Inbox(
        asked=wanted,
        page=page,
        rules=_by_rule(page.rows, totals, wanted),
        count=sum(count for count, _ in totals.values()),
        number=len(totals),
        is_empty=not page.rows and not wanted.q,
        is_unread=not page.rows and not _is_read(),
        looked_since=since,
        terms=_terms(),
    )


def _is_read() -> bool:
    return Feed.objects.filter(register_count__gt=0).exists()


def fitting(wanted: Asked, now: datetime) -> QuerySet[Malformed]:
    """The cases a query leaves."""
    rows = with_seen(Malformed.objects.select_related("feed"))
    return MALFORMED.fitting(rows, wanted, now)


def _totals(rows: QuerySet[Malformed]) -> dict[str, tuple[int, int]]:
    """rule → messages and cases."""
    groups = rows.order_by().values_list("rule")
    found = groups.annotate(messages=Sum("count"), cases=Count("pk"))
    return {rule: (messages, cases) for rule, messages, cases in found}


def _terms() -> list[tuple[str, str]]:
    feeds = dict.fromkeys(
        Feed.objects.order_by("name").values_list("name", flat=True), ""
    )
    return proposed({**MALFORMED.kinds, "feed": Text(feeds)})


def file_rows(asked, now: datetime) -> Iterator[list[tuple]]:
    """The same as rows of a file, some at a time, tokens masked. Raises WrongQuery."""
    wanted = MALFORMED.read(asked)
    check(wanted.query.faults)
    found = pages(fitting(wanted, now), BY_ID, AT_ONCE)
    return (list(map(_file_row, some)) for some in found)


def _file_row(case: Malformed) -> tuple:
    return (
        case.rule,
        case.app,
        case.feed.name,
        case.count,
        *(at.isoformat() for at in (case.first_seen_at, case.last_seen_at)),
        case.estimated,
        masked(case.flexisip),
        masked(case.detail),
        masked(case.example),
    )


def _by_rule(
    cases: Iterable[Malformed], totals: dict[str, tuple[int, int]], wanted: Asked
) -> list[Broken]:
    first: dict[str, int] = {}
    for place, case in enumerate(cases):
        first.setdefault(case.rule, place)
    ordered = sorted(cases, key=lambda case: first[case.rule])
    return [
        _broken(rule, list(rows), totals.get(rule, (0, 0)), wanted)
        for rule, rows in groupby(ordered, lambda case: case.rule)
    ]


def _broken(
    rule: str, cases: list[Malformed], total: tuple[int, int], wanted: Asked
) -> Broken:
    return Broken(
        rule=rule,
        consequence=consequence_in_inbox(rule),
        remedy=remedy_of(rule),
        flexisip=next((case.flexisip for case in cases if case.flexisip), ""),
        count=total[0],
        number=total[1],
        cases=cases,
        address=query(**wanted.address | {"q": written("rule", rule)}),
        devices=query(q=written("problem", rule)) if rule in CONSEQUENCES else "",
    )
