"""The inbox of malformed registrations: which rules are broken, by which app versions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from django.db.models import Q

from notifications.consequences import consequence_in_inbox
from notifications.keyset import words
from registrations.models import Malformed

#: Rules times app versions times feeds are few; a hostile sender may still invent more.
MOST = 500


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
    wanted = words(asked.get("q", ""))
    cases = Malformed.objects.select_related("feed").order_by("-last_seen_at", "pk")
    if wanted:
        matches = Q()
        for field in ("rule", "app", "detail", "feed__name"):
            matches |= Q(**{f"{field}__icontains": wanted})
        cases = cases.filter(matches)
    found = list(cases[: MOST + 1])
    rules = _by_rule(found[:MOST])
    return Inbox(
        q=wanted,
        rules=rules,
        count=sum(rule.count for rule in rules),
        is_empty=not found and not wanted,
        is_cut=len(found) > MOST,
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
