"""The words of a query as one condition on rows, the same way for every list."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import reduce
from operator import and_, or_

from django.db.models import Q

from notifications.terms import Query, Term


def joined(asked: Query, condition: Callable[[Term], Q]) -> Q:
    """Values of one filter are alternatives; bounds, texts and other filters all hold.
    What a `-name:value` fits is left out.
    """
    either: dict[str, list[Q]] = {}
    every = []
    for term in asked.terms:
        if term.is_not:
            every.append(~condition(term))
        elif term.name and not term.sign:
            either.setdefault(term.name, []).append(condition(term))
        else:
            every.append(condition(term))
    every += [reduce(or_, conditions) for conditions in either.values()]
    return reduce(and_, every, Q())


def aged(column: str, term: Term, now: datetime) -> Q:
    """`<24h` is after that moment, `>24h` before it."""
    way = "gt" if term.sign == "<" else "lt"
    return Q(**{f"{column}__{way}": now - term.value})
