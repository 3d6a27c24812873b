"""A list that is asked by a query: what it takes, its orders, one page of it both ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q, QuerySet

from notifications.conditions import joined
from notifications.display import Display, Order, display_of
from notifications.filters import Chip, term_chip
from notifications.keyset import Key, cut, pairs, query, words
from notifications.terms import Kind, Query, Term, read_query


class WrongQuery(ValueError):
    """What was asked for cannot be read; the text says why."""


def check(faults: Sequence[str]) -> None:
    """Raises WrongQuery where there are any: a file has no place to say them beside rows."""
    if faults:
        raise WrongQuery("; ".join(faults))


def looked_since(rows: QuerySet, key: Key, most: int) -> datetime | None:
    """The moment before which rows are not looked through, where there are more than that."""
    moments = key.ordered(rows).values_list(key.fields[0], flat=True)
    return next(iter(moments[most : most + 1]), None)


@dataclass(frozen=True, slots=True)
class Listing:
    """What a list can be asked, its orders; `elsewhere`: filters of other lists."""

    kinds: Mapping[str, Kind]
    condition: Callable[[Term, datetime], Q]
    orders: Mapping[str, Order]
    elsewhere: Mapping[str, str] = field(default_factory=dict)

    def read(self, asked, **rest: str) -> Asked:
        """What an address asks of it. `rest`: its other parts, as the time."""
        q = words(asked.get("q", ""))
        wanted = read_query(q, self.kinds, self.elsewhere)
        return Asked(q, wanted, display_of(asked, self.orders, {}), rest)

    def fitting(self, rows: QuerySet, asked: Asked, now: datetime) -> QuerySet:
        """The rows a query leaves: none where a word of it is wrong."""
        if asked.query.faults:
            return rows.none()
        return rows.filter(joined(asked.query, lambda one: self.condition(one, now)))


@dataclass(frozen=True, slots=True)
class Asked:
    """A query, how the list is shown, and the rest of the address."""

    #: The query as it was typed.
    q: str
    query: Query
    display: Display
    rest: dict[str, str]

    @property
    def address(self) -> dict:
        """The same as parts of an address."""
        return {**self.rest, **self.display.address, "q": self.q}

    @property
    def chips(self) -> list[Chip]:
        """One a term, with the address without it."""
        return [term_chip(term, self.query, self.address) for term in self.query.terms]

    @property
    def clear(self) -> str:
        """The address without a query."""
        return query(**self.address | {"q": ""})

    @property
    def by_query(self) -> list[tuple[str, str]]:
        """All but the query, as hidden fields of a form; so are the next two."""
        return self._but("q")

    @property
    def by_display(self) -> list[tuple[str, str]]:
        """All but order and rows."""
        return self._but("sort", "rows")

    @property
    def by_time(self) -> list[tuple[str, str]]:
        """All but the time."""
        return self._but("span", "from", "to")

    def _but(self, *names: str) -> list[tuple[str, str]]:
        return pairs(self.address | dict.fromkeys(names, ""))

    def page(self, rows: QuerySet, asked) -> Page:
        """The page of these rows that the address names."""
        order = self.display.order
        found = cut(order.rows(rows), order.key, asked, self.display.size)
        return Page(
            found.rows,
            found.newer and query(**self.address, after=found.newer),
            found.older and query(**self.address, before=found.older),
            self.display,
        )


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, the addresses of the pages beside them, and the order they are in."""

    rows: list
    newer: str
    older: str
    display: Display
