"""The filters of a list as they stand in its address: chosen ones, and those to choose."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext

from notifications.keyset import query
from notifications.terms import Query, Term

#: The address of every row: an empty one would open the view of the person's group.
ALL = "q="


@dataclass(frozen=True, slots=True)
class Chip:
    """A chosen filter: its name and value in words, and the address without it."""

    name: str
    value: str
    without: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One value to choose, with the address that chooses it."""

    label: str
    address: str


@dataclass(frozen=True, slots=True)
class Menu:
    """A filter that is not chosen yet."""

    name: str
    choices: list[Choice]


@dataclass(frozen=True, slots=True)
class Option:
    """A box of a facet, with how many rows it stands for."""

    value: str
    label: str
    tone: str
    number: int
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """A filter of which several values may be chosen."""

    name: str
    label: str
    options: list[Option]


def chips_of(chosen: dict, labels: dict[str, dict[str, str]]) -> list[Chip]:
    """One chip a chosen value; `chosen` maps a name to a value or a list of values."""
    found = []
    for name, value in chosen.items():
        words = labels.get(name, {})
        for one in value if isinstance(value, list) else [value]:
            if one and name in labels:
                address = query(**chosen | {name: _rest(value, one)})
                found.append(Chip(words.get("", name), words.get(one, one), address))
    return found


def term_chip(term: Term, asked: Query, address: dict) -> Chip:
    """The chip of a term of the query `q` of an address."""
    name = term.name or gettext("search")
    name = gettext("Not %(name)s") % {"name": name} if term.is_not else name
    name = name[0].upper() + name[1:]
    value = term.written.partition(":")[2] if term.name else term.written
    return Chip(name, value, query(**address | {"q": asked.without(term)}))


def _rest(value, one: str):
    return [other for other in value if other != one] if isinstance(value, list) else ""
