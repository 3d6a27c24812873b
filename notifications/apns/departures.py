"""Who is told that pushes leave, before any byte of them does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

#: Takes the names of pushes that leave together. What it raises keeps them here.
Note = Callable[[list[str]], None]


class Departure(NamedTuple):
    """Whom to tell of one push, and its name there."""

    note: Note
    name: str


def nothing_noted(names: list[str]) -> None:
    return


def tell(departures: Iterable[Departure]) -> None:
    """One call for all that go to the same: between the first note and the write a process
    can die, and what was noted by then would be `unknown` for nothing.
    """
    for note, together in groupby(departures, key=attrgetter("note")):
        note([one.name for one in together])
