"""The query language of the lists: `state:suspected strikes:>=2 alice`. Pure.

A term is `name:value`, with `"…"` around a value that has blanks in it, or text to search
for; `-name:value` leaves out what it fits. Whatever is typed gives terms or faults that say
what is wrong with which word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.clocks import Clock, WrongClock, read_clock

TERM = re.compile(r'(-?)(?:([A-Za-z]+):)?(?:"([^"]*)"?|(\S+))')
#: An AOR or an instance-id begins like a filter, and is text.
SCHEMES = frozenset({"sip", "sips", "tel", "urn"})
NUMBER = re.compile(r"(>=|<=|>|<|)(\d{1,9})")
AGE = re.compile(r"([<>])(\d{1,4})([mhdw])")
UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
#: How the signs are called in Django's lookups.
LOOKUPS = {"": "", ">=": "__gte", "<=": "__lte", ">": "__gt", "<": "__lt"}


class WrongValue(ValueError):
    """A value that its filter cannot take; the text says what it takes."""


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a query; `name` is empty for text. `written`: as it was typed."""

    name: str
    sign: str
    value: str | int | timedelta | Clock
    written: str
    is_not: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """What was typed: terms, and a sentence for each word that is none."""

    terms: tuple[Term, ...]
    faults: tuple[str, ...]

    @property
    def clocks(self) -> tuple[Clock, ...]:
        """The times by the clock that it asks for."""
        values = (term.value for term in self.terms if not term.is_not)
        return tuple(value for value in values if isinstance(value, Clock))

    def without(self, term: Term) -> str:
        """The query as it reads when a term is taken away."""
        return " ".join(each.written for each in self.terms if each is not term)


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a few values; `choices`: value → what it is called. `elsewhere`: values that the
    filter of this name has on another list → that list.
    """

    choices: Mapping[str, str]
    elsewhere: Mapping[str, str] = field(default_factory=dict)

    def read(self, written: str) -> tuple[str, str]:
        """Sign and value. Raises WrongValue."""
        value = written.lower()
        if value in self.elsewhere:
            told = gettext("is a state of strikes: it can be asked of %(list)s")
            raise WrongValue(told % {"list": self.elsewhere[value]})
        if value not in self.choices:
            told = gettext("is one of %(values)s") % {"values": ", ".join(self.choices)}
            raise WrongValue(told)
        return "", value


@dataclass(frozen=True, slots=True)
class Text:
    """Any text. `choices`: values worth proposing."""

    choices: Mapping[str, str]

    def read(self, written: str) -> tuple[str, str]:
        """Sign and value."""
        return "", written


@dataclass(frozen=True, slots=True)
class Number:
    """A number, or more or less than one: `3`, `>=2`."""

    choices: Mapping[str, str]

    def read(self, written: str) -> tuple[str, int]:
        """Sign and value. Raises WrongValue."""
        found = NUMBER.fullmatch(written)
        if found is None:
            raise WrongValue(gettext("takes a number, as 3 or >=2"))
        return found[1], int(found[2])


@dataclass(frozen=True, slots=True)
class Age:
    """Newer or older than so long ago: `<24h`, `>7d`; units m, h, d, w."""

    choices: Mapping[str, str]

    def read(self, written: str) -> tuple[str, timedelta]:
        """Sign and value. Raises WrongValue."""
        found = AGE.fullmatch(written.lower())
        if found is None:
            raise WrongValue(gettext("takes an age, as <24h or >7d (m, h, d, w)"))
        return found[1], timedelta(**{UNITS[found[3]]: int(found[2])})


@dataclass(frozen=True, slots=True)
class When:
    """An age, or a time by the reader's clock: `14:02`, `2026-11-29T14:02..14:30`."""

    choices: Mapping[str, str]

    def read(self, written: str) -> tuple[str, timedelta | Clock]:
        """Sign and value. Raises WrongValue."""
        try:
            clock = read_clock(written)
        except WrongClock as wrong:
            raise WrongValue(str(wrong)) from None
        if clock is not None:
            return "", clock
        if AGE.fullmatch(written.lower()) is None:
            told = gettext(
                "takes an age, as <24h or >7d (m, h, d, w), or a time, as 14:02,"
                " 14:02..14:30 or 2026-11-29T14:02"
            )
            raise WrongValue(told)
        return Age({}).read(written)


Kind = OneOf | Text | Number | Age | When


def read_query(
    text: str, known: Mapping[str, Kind], elsewhere: Mapping[str, str] | None = None
) -> Query:
    """Terms and faults of what was typed, in its order. `known`: name → what it takes;
    `elsewhere`: filters of another list → that list.
    """
    terms, faults = [], []
    for found in TERM.finditer(text):
        try:
            terms.append(_term(found, known, elsewhere or {}))
        except WrongValue as wrong:
            faults.append(str(wrong))
    return Query(tuple(terms), tuple(faults))


def _term(
    found: re.Match[str], known: Mapping[str, Kind], elsewhere: Mapping[str, str]
) -> Term:
    quoted, bare = found[3], found[4]
    name, value = (found[2] or "").lower(), bare if quoted is None else quoted
    if not name or name in SCHEMES:
        value = found[1] + value
        alone = value.removesuffix(":").lower()
        if value.endswith(":") and alone in known:
            raise WrongValue(
                gettext("%(term)s wants a value behind it") % {"term": value}
            )
        return Term("", "", found[0] if name else value, found[0])
    if name not in known:
        raise WrongValue(_unknown(name, known, elsewhere))
    try:
        return Term(name, *known[name].read(value), found[0], bool(found[1]))
    except WrongValue as wrong:
        raise WrongValue(f"{found[0]}: {name} {wrong}") from None


def _unknown(name: str, known: Iterable[str], elsewhere: Mapping[str, str]) -> str:
    if name in elsewhere:
        told = gettext("%(name)s: can be asked of %(list)s.")
        return told % {"name": name, "list": elsewhere[name]}
    told = gettext("No filter is called %(name)s.") % {"name": name}
    near = get_close_matches(name, known, 1)
    if near:
        return told + " " + gettext("Did you mean %(name)s:?") % {"name": near[0]}
    names = ", ".join(f"{each}:" for each in known)
    return told + " " + gettext("There are %(names)s.") % {"names": names}


def written(name: str, value: str) -> str:
    """A term as it is typed."""
    return f'{name}:"{value}"' if re.search(r"\s", value) else f"{name}:{value}"


def proposed(known: Mapping[str, Kind]) -> list[tuple[str, str]]:
    """Terms worth proposing, each with what it means."""
    found = []
    for name, kind in known.items():
        values = [
            (written(name, value), label) for value, label in kind.choices.items()
        ]
        found += values or [(f"{name}:", EXAMPLES[type(kind)])]
    return found


EXAMPLES = {
    OneOf: "",
    Text: _("any text"),
    Number: _("3 or >=2"),
    Age: _("<24h or >7d"),
    When: _("<24h, 14:02 or 2026-11-29T14:02..14:30"),
}
