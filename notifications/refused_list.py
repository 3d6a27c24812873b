"""Requests that could not become a push: the rows of a time, on Failures and as a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet, Sum
from django.utils.translation import gettext_lazy as _

from notifications.conditions import aged
from notifications.display import Order
from notifications.keyset import BY_ID, BY_MOMENT, BY_NUMBER, pages
from notifications.listing import Asked, Listing, check
from notifications.models import Door, Refusal, RefusalCount
from notifications.ranges import Range
from notifications.spans import Spans, Time
from notifications.terms import LOOKUPS, Number, OneOf, Term, Text, When

#: Of each tab of Failures.
SPANS = Spans(
    {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)},
    "24h",
)
ORDERS = {
    "newest": Order(_("Newest first"), BY_MOMENT, _("Newer"), _("Older")),
    "oldest": Order(_("Oldest first"), replace(BY_MOMENT, is_ascending=True)),
    "most": Order(_("Most often first"), BY_NUMBER),
}
AT_ONCE = 2000
COLUMNS = (
    *("first_at", "last_at", "times", "door", "address", "by"),
    *("status", "why", "asked"),
)


def condition_of(term: Term, now: datetime) -> Q:
    """Which refusals a term fits. A thousand are kept: none of it needs an index."""
    if term.name == "door":
        return Q(door=term.value)
    if term.name in {"status", "times"}:
        column = {"status": "status", "times": "number"}[term.name]
        return Q(**{f"{column}{LOOKUPS[term.sign]}": term.value})
    if term.name == "at":
        return aged("at", term, now)
    found = Q()
    for column in COLUMNS_OF.get(term.name, ("why", "by", "address")):
        found |= Q(**{f"{column}__icontains": term.value})
    return found


COLUMNS_OF = {"address": ("address",), "by": ("by",), "why": ("why",)}
REFUSED = Listing(
    {
        "door": OneOf(dict(Door.choices)),
        "status": Number({"400": "400", "401": "401", "422": "422", "429": "429"}),
        "times": Number({}),
        **dict.fromkeys(COLUMNS_OF, Text({})),
        "at": When({}),
    },
    condition_of,
    ORDERS,
)


def fitting(wanted: Asked, time: Time, now: datetime) -> QuerySet[Refusal]:
    """The requests that an address leaves, equal ones once."""
    if time.faults:
        return Refusal.objects.none()
    rows = Refusal.objects.filter(time.stretch(now).of("at"))
    return REFUSED.fitting(rows, wanted, now)


def by_door(stretch: Range) -> list[tuple[str, int, int]]:
    """Door, status and how many, the commonest first."""
    hours = Range(stretch.since - timedelta(minutes=59, seconds=59), stretch.until)
    rows = RefusalCount.objects.filter(hours.of("hour")).order_by()
    groups = rows.values_list("door", "status").annotate(sum=Sum("number"))
    found = [(Door(door).label, status, number) for door, status, number in groups]
    return sorted(found, key=lambda one: -one[2])


def file_rows(asked, now: datetime) -> Iterator[list[tuple]]:
    """The same as rows of a file, some at a time; tokens are masked where they were stored.
    Raises WrongQuery.
    """
    wanted = REFUSED.read(asked)
    time = SPANS.time(asked).beside(wanted.query)
    check(wanted.query.faults + time.faults)
    found = fitting(wanted, time, now)
    return (list(map(_file_row, some)) for some in pages(found, BY_ID, AT_ONCE))


def _file_row(row: Refusal) -> tuple:
    return (
        row.first_at.isoformat(),
        row.at.isoformat(),
        row.number,
        row.door,
        row.address,
        row.by,
        row.status,
        row.why,
        json.dumps(row.asked, ensure_ascii=False),
    )
