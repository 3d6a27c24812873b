"""The inbox of malformed registrations: which rules are broken, by which app versions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.db.models import Q, QuerySet

from notifications.consequences import consequence_in_inbox
from notifications.keyset import BY_ID, pages, words
from notifications.masking import masked
from registrations.models import Malformed

#: Rules times app versions times feeds are few; a hostile sender may still invent more.
MOST = 500
COLUMNS = (
    "rule",
    "app",
    "feed",
    "messages",
    "first_seen_at",
    "last_seen_at",
    "flexisip",
    "detail",
    "example",
)
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Broken:
    """One rule: what follows from it, what Flexisip logs, and who breaks it, newest first."""

    rule: str
    consequence: str
    flexisip: str
    count: int
    cases: list[Malformed]


@dataclass(frozen=True, slots=True)
class Inbox:
    """What was looked for, the rules found, and how many messages broke one."""

    q: str
    rules: list[Broken]
    count: int
    is_empty: bool
    is_cut: bool


def inbox(asked) -> Inbox:
    """Every broken rule, or those that match `q` in rule, app, detail or feed."""
    cases = fitting(asked).order_by("-last_seen_at", "pk")
    wanted, found = words(asked.get("q", "")), list(cases[: MOST + 1])
    rules = _by_rule(found[:MOST])
    return Inbox(
        q=wanted,
        rules=rules,
        count=sum(rule.count for rule in rules),
        is_empty=not found and not wanted,
        is_cut=len(found) > MOST,
    )


def fitting(asked) -> QuerySet[Malformed]:
    """The cases an address leaves."""
    wanted, cases = words(asked.get("q", "")), Malformed.objects.select_related("feed")
    if not wanted:
        return cases
    matches = Q()
    for field in ("rule", "app", "detail", "feed__name"):
        matches |= Q(**{f"{field}__icontains": wanted})
    return cases.filter(matches)


def file_rows(asked, now: datetime) -> Iterator[list[tuple]]:
    """The same as rows of a file, some at a time, tokens masked."""
    for some in pages(fitting(asked), BY_ID, AT_ONCE):
        yield [_file_row(case) for case in some]


def _file_row(case: Malformed) -> tuple:
    seen = (case.first_seen_at, case.last_seen_at)
    return (
        case.rule,
        case.app,
        case.feed.name,
        case.count,
        *(at and at.isoformat() for at in seen),
        masked(case.flexisip),
        masked(case.detail),
        masked(case.example),
    )


def _by_rule(cases: Iterable[Malformed]) -> list[Broken]:
    newest = {}
    for place, case in enumerate(cases):
        newest.setdefault(case.rule, place)
    ordered = sorted(cases, key=lambda case: newest[case.rule])
    return [
        _broken(rule, list(rows)) for rule, rows in groupby(ordered, lambda c: c.rule)
    ]


def _broken(rule: str, cases: list[Malformed]) -> Broken:
    return Broken(
        rule=rule,
        consequence=consequence_in_inbox(rule),
        flexisip=next((case.flexisip for case in cases if case.flexisip), ""),
        count=sum(case.count for case in cases),
        cases=cases,
    )
