"""Pages of a list by keyset, both ways: no OFFSET, no count. Newest first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from notifications.ahead import asking_ahead

ROWS = 50
LARGEST_ID = 2**63 - 1
#: The first rows beyond a place, in order.
First = Callable[..., list]


@dataclass(frozen=True, slots=True)
class Slice:
    """Rows in order, and the cursors of the pages beside them ("" where there is none)."""

    rows: list
    newer: str
    older: str


@dataclass(frozen=True, slots=True)
class Key:
    """The fields that order a list, and how a row's place in it is written and read.

    `read` gives the values of a cursor, or None for one that names no place.
    """

    fields: tuple[str, ...]
    write: Callable[[object], str]
    read: Callable[[str], tuple | None]
    is_ascending: bool = False

    @property
    def ways(self) -> tuple[str, str]:
        """How rows further on and rows further back compare with a place."""
        return ("gt", "lt") if self.is_ascending else ("lt", "gt")

    def ordered(self, rows: QuerySet, *, backwards: bool = False) -> QuerySet:
        """The rows in this order, or in the opposite one."""
        sign = "" if self.is_ascending != backwards else "-"
        return rows.order_by(*(f"{sign}{field}" for field in self.fields))

    def beyond(self, place: tuple, way: str) -> Q:
        """Rows below (`lt`) or above (`gt`) a place, field by field."""
        found = Q()
        for index, field in enumerate(self.fields):
            same = dict(zip(self.fields[:index], place, strict=False))
            found |= Q(**same, **{f"{field}__{way}": place[index]})
        # Said once more of the first field alone: an index begins there, not at its end.
        return Q(**{f"{self.fields[0]}__{way}e": place[0]}) & found


def cut(
    rows: QuerySet, key: Key, asked, size: int = ROWS, parts: Sequence[QuerySet] = ()
) -> Slice:
    """The page that `before=` or `after=` asks for; the first one without either. `parts`: the
    same rows in lists without a row in common, where each of them is found sooner than all.
    """
    if len(parts) > 1:
        return _cut(partial(_of_parts, rows, parts, key), key, asked, size)
    return _cut(partial(_of_one, rows, key), key, asked, size)


def _cut(first: First, key: Key, asked, size: int) -> Slice:
    after = key.read(asked.get("after", ""))
    if after is not None:
        found = first(key.beyond(after, key.ways[1]), size + 1, backwards=True)
        if found:
            shown = found[:size][::-1]
            more = key.write(shown[0]) if len(found) > size else ""
            return Slice(shown, more, key.write(shown[-1]))
    return _older(first, key, key.read(asked.get("before", "")), size)


def _of_one(
    rows: QuerySet, key: Key, beyond: Q, number: int, *, backwards: bool = False
) -> list:
    return list(key.ordered(rows.filter(beyond), backwards=backwards)[:number])


def _of_parts(
    rows: QuerySet,
    parts: Sequence[QuerySet],
    key: Key,
    beyond: Q,
    number: int,
    *,
    backwards: bool = False,
) -> list:
    """The first of each part, and of these the first."""
    first, *others = (
        key.ordered(part.filter(beyond), backwards=backwards).values("pk")[:number]
        for part in parts
    )
    ids = [pk for (pk,) in first.union(*others, all=True).values_list("pk")]
    return _of_one(rows, key, Q(pk__in=ids), number, backwards=backwards)


def pages(rows: QuerySet, key: Key, size: int) -> Iterator[list]:
    """Every row in lists of at most `size`, the newest first; no cursor stays open. The next
    ones are asked for while those before are worked on, which must ask for nothing.
    """
    read = partial(_older, partial(_of_one, rows, key), key, size=size)
    with asking_ahead() as ask:
        coming = ask(read, None)
        while coming is not None:
            page = coming.result()
            coming = ask(read, key.read(page.older)) if page.older else None
            yield page.rows


def _older(first: First, key: Key, before: tuple | None, size: int) -> Slice:
    beyond = Q() if before is None else key.beyond(before, key.ways[0])
    found = first(beyond, size + 1)
    shown = found[:size]
    newer = key.write(shown[0]) if shown and before is not None else ""
    return Slice(shown, newer, key.write(shown[-1]) if len(found) > size else "")


def _id_of(text: str) -> tuple | None:
    # Python refuses to read a number of thousands of digits.
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        return None
    return (int(text),) if int(text) <= LARGEST_ID else None


def _moment_and_uuid(text: str) -> tuple | None:
    moment, _, pk = text.partition("|")
    try:
        at, last = moment_of(moment), UUID(pk)
    except ValueError:
        return None
    return None if at is None else (at, last)


def _moment_and_id(text: str) -> tuple | None:
    moment, _, pk = text.partition("|")
    at, last = moment_of(moment), _id_of(pk)
    return None if at is None or last is None else (at, *last)


def moment_of(text: str) -> datetime | None:
    """In UTC: PostgreSQL refuses zones that Python knows, as +23:59."""
    try:
        at = datetime.fromisoformat(text)
        return None if timezone.is_naive(at) else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _number_and_id(text: str) -> tuple | None:
    number, _, pk = text.partition("|")
    first, last = _id_of(number), _id_of(pk)
    return None if first is None or last is None else (*first, *last)


def _name_and_id(text: str) -> tuple | None:
    pk, _, name = text.partition("|")
    last = _id_of(pk)
    return None if last is None or "\x00" in name else (name, *last)


BY_ID = Key(("pk",), lambda row: str(row.pk), _id_of)
BY_NAME = Key(
    ("name", "pk"), lambda row: f"{row.pk}|{row.name}", _name_and_id, is_ascending=True
)
BY_CREATION = Key(
    ("created_at", "pk"),
    lambda row: f"{row.created_at.isoformat()}|{row.pk}",
    _moment_and_uuid,
)
BY_END = Key(
    ("ended_at", "pk"),
    lambda row: f"{row.ended_at.isoformat()}|{row.pk}",
    _moment_and_uuid,
)

BY_SEEN = Key(
    ("seen", "pk"), lambda row: f"{row.seen.isoformat()}|{row.pk}", _moment_and_id
)
BY_STRIKES = Key(
    ("strikes", "place"), lambda row: f"{row.strikes}|{row.place}", _number_and_id
)
BY_MOMENT = Key(
    ("at", "pk"), lambda row: f"{row.at.isoformat()}|{row.pk}", _moment_and_id
)
BY_NUMBER = Key(("number", "pk"), lambda row: f"{row.number}|{row.pk}", _number_and_id)
BY_COUNT = Key(("count", "pk"), lambda row: f"{row.count}|{row.pk}", _number_and_id)


def words(text: str) -> str:
    """What was typed into an address, as text PostgreSQL can compare with."""
    return text.replace("\x00", "").strip()[:200]


def query(**values) -> str:
    """A query string of what is not empty; a list gives its name several times."""
    return urlencode({name: value for name, value in values.items() if value}, True)


def pairs(address: dict) -> list[tuple[str, str]]:
    """The same as hidden fields of a form: a list gives its name several times."""
    found = []
    for name, value in address.items():
        each = value if isinstance(value, list) else [value]
        found += [(name, one) for one in each if one]
    return found
