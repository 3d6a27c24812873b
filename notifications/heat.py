"""Unhandled share by app version and phone as a table of few rows and columns. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from notifications.proportions import Tally

#: Judged calls below which a cell says how few there are, and no share.
FLOOR = 20
MOST_ROWS, MOST_COLUMNS = 12, 6
OTHERS, UNSAID = "others", "not said"
#: What is no name of an app or a phone.
NAMES = {OTHERS: _("others"), UNSAID: _("not said")}
#: From this share on, a cell is drawn so.
LEVELS = ((0.25, "h4"), (0.12, "h3"), (0.05, "h2"), (0.0, "h1"))


@dataclass(frozen=True, slots=True)
class Cell:
    """One version on one kind of phone."""

    tally: Tally

    @property
    def is_enough(self) -> bool:
        """There are calls enough to say a share."""
        return self.tally.judged >= FLOOR

    @property
    def level(self) -> str:
        """How it is drawn; empty for too few calls."""
        if not self.is_enough:
            return ""
        return next(name for least, name in LEVELS if self.tally.rate >= least)


@dataclass(frozen=True, slots=True)
class Row:
    """One version: on all phones, and on each kind."""

    name: str
    version: str
    total: Cell
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class Heat:
    """The table; newest version first in each app."""

    columns: list[str]
    rows: list[Row]


#: name, version, phone: what was counted.
Counted = tuple[str, str, str, Tally]


def heat(counted: Iterable[Counted]) -> Heat:
    """The table of what was counted. The rarest versions and phones stand together."""
    counts = list(counted)
    versions = _frequent(((one[0], one[1]) for one in counts), counts, MOST_ROWS)
    columns = _frequent((one[2] or UNSAID for one in counts), counts, MOST_COLUMNS)
    cells: dict[tuple, Tally] = defaultdict(Tally)
    for name, version, phone, tally in counts:
        row = (name, version) if (name, version) in versions else (OTHERS, "")
        column = phone or UNSAID
        column = column if column in columns else OTHERS
        cells[row, column] += tally
    shown = sorted({column for _, column in cells}, key=_column_order)
    rows = sorted({row for row, _ in cells}, key=_newest_first)
    return Heat(
        [NAMES.get(column, column) for column in shown],
        [_row(row, shown, cells) for row in rows],
    )


def _row(row: tuple[str, str], columns: Sequence[str], cells: dict) -> Row:
    tallies = [cells.get((row, column), Tally()) for column in columns]
    total = sum(tallies, Tally())
    name, version = row
    name = NAMES.get(name, name)
    return Row(name, version, Cell(total), [Cell(tally) for tally in tallies])


def _frequent(keys: Iterable, counts: Sequence[Counted], most: int) -> set:
    """The keys with most judged calls."""
    judged: dict = defaultdict(int)
    for key, one in zip(keys, counts, strict=True):
        judged[key] += one[3].judged
    return set(sorted(judged, key=lambda key: (-judged[key], key))[:most])


def _newest_first(row: tuple[str, str]) -> tuple:
    name, version = row
    return name == OTHERS, name, [-number for number in numbers_of(version)], version


def _column_order(column: str) -> tuple:
    return column == OTHERS, column == UNSAID, numbers_of(column), column


def numbers_of(text: str) -> list[int]:
    """`6.2.10` as numbers, so that it stands behind 6.2.9."""
    return [int(number) for number in re.findall(r"\d{1,9}", text)]
