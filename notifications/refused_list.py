"""Requests that could not become a push: the rows of a time, on Failures and as a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import QuerySet, Sum

from notifications.keyset import BY_ID, pages
from notifications.models import Door, Refusal, RefusalCount
from notifications.ranges import Range, range_of

SPANS = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
USUAL_SPAN = "24h"
AT_ONCE = 2000
COLUMNS = (
    *("first_at", "last_at", "times", "door", "address", "by"),
    *("status", "why", "asked"),
)


def stretch_of(asked, now: datetime) -> Range:
    """From when to when; without a beginning it is as long as the span."""
    wanted, span = range_of(asked), asked.get("span", "")
    length = SPANS.get(span, SPANS[USUAL_SPAN])
    return Range(wanted.since or (wanted.until or now) - length, wanted.until)


def refusals(stretch: Range) -> QuerySet[Refusal]:
    """The requests of that time, equal ones once."""
    return Refusal.objects.filter(stretch.of("at"))


def by_door(stretch: Range) -> list[tuple[str, int, int]]:
    """Door, status and how many, the commonest first."""
    hours = Range(stretch.since - timedelta(minutes=59, seconds=59), stretch.until)
    rows = RefusalCount.objects.filter(hours.of("hour")).order_by()
    groups = rows.values_list("door", "status").annotate(sum=Sum("number"))
    found = [(Door(door).label, status, number) for door, status, number in groups]
    return sorted(found, key=lambda one: -one[2])


def file_rows(asked, now: datetime) -> Iterator[list[tuple]]:
    """The same as rows of a file, some at a time; tokens are masked where they were stored."""
    for some in pages(refusals(stretch_of(asked, now)), BY_ID, AT_ONCE):
        yield [_file_row(row) for row in some]


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
