"""The words of a query as one condition on rows, the same way for every list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import reduce
from operator import and_, or_
from types import MappingProxyType

from django.db.models import Q

from notifications.clocks import Clock
from notifications.terms import Query, Term

#: What several values of one filter ask for together.
Together = Callable[[list[Term]], Q]
NOTHING: Mapping[str, Together] = MappingProxyType({})


def joined(
    asked: Query,
    condition: Callable[[Term], Q],
    together: Mapping[str, Together] = NOTHING,
) -> Q:
    """Values of one filter are alternatives; bounds, texts and other filters all hold.
    What a `-name:value` fits is left out. `together`: filters whose alternatives are found
    sooner as one question.
    """
    if excludes_itself(asked):
        return Q(pk__in=[])
    either: dict[str, list[Term]] = {}
    every = []
    for term in asked.terms:
        if term.is_not:
            every.append(~condition(term))
        elif term.name and not term.sign:
            either.setdefault(term.name, []).append(term)
        else:
            every.append(condition(term))
    for name, terms in either.items():
        one = together.get(name, lambda terms: reduce(or_, map(condition, terms)))
        every.append(one(terms))
    return reduce(and_, every, Q())


def excludes_itself(asked: Query) -> bool:
    """Two ages that nothing can have: `seen:<1h seen:>24h`. No row has to be read for that."""
    newer: dict[str, timedelta] = {}
    older: dict[str, timedelta] = {}
    for term in asked.terms:
        if isinstance(term.value, timedelta) and not term.is_not:
            if term.sign == "<":
                newer[term.name] = min(term.value, newer.get(term.name, term.value))
            else:
                older[term.name] = max(term.value, older.get(term.name, term.value))
    return any(newer[name] <= older[name] for name in newer.keys() & older.keys())


def aged(column: str, term: Term, now: datetime) -> Q:
    """`<24h` is after that moment, `>24h` before it; a time by the clock is its stretch."""
    if isinstance(term.value, Clock):
        return term.value.stretch(now).of(column)
    way = "gt" if term.sign == "<" else "lt"
    return Q(**{f"{column}__{way}": now - term.value})
