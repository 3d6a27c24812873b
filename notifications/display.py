"""How a list is shown, as its address says it: order, rows a page, columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from notifications.keyset import ROWS, Key

SIZES = (25, 50, 100, 200)


@dataclass(frozen=True, slots=True)
class Order:
    """One way to sort a list, and what its neighbours are called."""

    label: str
    key: Key
    back: str = _("Previous")
    on: str = _("Next")
    #: The rows with what the key orders by.
    rows: Callable[[QuerySet], QuerySet] = lambda rows: rows
    #: No index has it: of many rows only the newest are put in order, unless all are wanted.
    is_slow: bool = False
    #: Nor has one it together with these filters: all rows might be walked past.
    slow_beside: frozenset[str] = frozenset()

    def is_slow_beside(self, filters: Iterable[str]) -> bool:
        """No index has it where rows are filtered by these."""
        return self.is_slow or not self.slow_beside.isdisjoint(filters)


@dataclass(frozen=True, slots=True)
class Display:
    """The choice of an address. `columns`: name → (label, is it shown)."""

    sort: str
    orders: Mapping[str, Order]
    size: int
    columns: dict[str, tuple[str, bool]]

    @property
    def order(self) -> Order:
        """The chosen one."""
        return self.orders[self.sort]

    @property
    def shown(self) -> list[str]:
        """The columns that are shown."""
        return [name for name, (_, is_shown) in self.columns.items() if is_shown]

    @property
    def address(self) -> dict:
        """The same as parts of an address; what is usual is left out."""
        is_all = len(self.shown) == len(self.columns)
        return {
            "sort": "" if self.sort == next(iter(self.orders)) else self.sort,
            "rows": "" if self.size == ROWS else str(self.size),
            "col": [] if is_all else self.shown,
        }

    @property
    def sorts(self) -> list[tuple[str, str, bool]]:
        """Name, label and whether it is the chosen one, of each order."""
        return [
            (name, each.label, name == self.sort) for name, each in self.orders.items()
        ]

    @property
    def sizes(self) -> list[tuple[int, bool]]:
        """Each number of rows, and whether it is the chosen one."""
        return [(size, size == self.size) for size in SIZES]


def display_of(
    asked, orders: Mapping[str, Order], columns: Mapping[str, str]
) -> Display:
    """What an address says; the first order, 50 rows and every column where it is silent
    or says nonsense.
    """
    sort = asked.get("sort", "")
    size = asked.get("rows", "")
    sizes = {str(each): each for each in SIZES}
    chosen = asked.getlist("col") if columns else ()
    named = set(chosen) & columns.keys() or columns.keys()
    return Display(
        sort if sort in orders else next(iter(orders)),
        orders,
        sizes.get(size, ROWS),
        {name: (label, name in named) for name, label in columns.items()},
    )
