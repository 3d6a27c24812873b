"""Several questions to the database in one: counts with a limit, single values, groups.

A page asks few questions, and none of them counts a million rows.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import IntegerField, QuerySet, Subquery

#: Counts stop here: an exact one of a million rows is not worth its time.
COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class Question:
    """Something to be said of rows, as SQL over them as `asked`; `nothing`: without a row;
    `is_limited`: a number that stops at `COUNTED` + 1.
    """

    rows: QuerySet
    says: str = "count(*)"
    nothing: object = 0
    is_limited: bool = False


def up_to_limit(rows: QuerySet) -> Question:
    """How many there are, or `COUNTED` + 1 for more than that."""
    return Question(rows.order_by().values("pk")[: COUNTED + 1], is_limited=True)


def different(values: QuerySet, column: str) -> Question:
    """How many different values there are, among rows enough for `COUNTED` + 1 of them: a
    device holds a token or two.
    """
    rows = values[: 2 * (COUNTED + 1)]
    says = f"least(count(DISTINCT asked.{column}), {COUNTED + 1})"
    return Question(rows, says, is_limited=True)


def answers(*questions: Question) -> list:
    """What is said of each."""
    found = [question.nothing for question in questions]
    parts, values = [], []
    for place, question in enumerate(questions):
        try:
            sql, given = question.rows.query.sql_with_params()
        except EmptyResultSet:
            continue
        parts.append((place, f"(SELECT {question.says} FROM ({sql}) AS asked)"))
        values += given
    if parts:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {', '.join(part for _, part in parts)}", values)
            for (place, _), said in zip(parts, cursor.fetchone(), strict=True):
                found[place] = said
    return found


def capped(*lists: QuerySet) -> list[int]:
    """How many rows each has, or `COUNTED` + 1 for more than that."""
    return answers(*map(up_to_limit, lists))


def expected(rows: QuerySet) -> int:
    """How many rows PostgreSQL expects by its statistics: no row is read."""
    sql, given = rows.order_by().query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", given)
        told = cursor.fetchone()[0]
    plan = json.loads(told) if isinstance(told, str) else told
    return plan[0]["Plan"]["Plan Rows"]


def grouped(values: QuerySet) -> list[tuple]:
    """The different rows of the first `COUNTED` + 1 of a `values_list`, each with how often."""
    try:
        sql, given = values[: COUNTED + 1].query.sql_with_params()
    except EmptyResultSet:
        return []
    places = ", ".join(
        str(place + 1) for place in range(len(values.query.values_select))
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT asked.*, count(*) FROM ({sql}) AS asked GROUP BY {places}", given
        )
        return cursor.fetchall()


def grouped_in_sets(values: QuerySet, *sets: tuple[int, ...]) -> list[list[tuple]]:
    """The first `COUNTED` + 1 of a `values_list`, looked at once and grouped by each set of
    its columns: for each set its different rows, every one with how often. `sets`: the
    columns by their places, each place in one of them at least.
    """
    found: list[list[tuple]] = [[] for _ in sets]
    try:
        sql, given = values[: COUNTED + 1].query.sql_with_params()
    except EmptyResultSet:
        return found
    places = range(max(map(max, sets)) + 1)
    names = ", ".join(f"c{place}" for place in places)
    by = ", ".join(f"({', '.join(f'c{place}' for place in one)})" for one in sets)
    # PostgreSQL says which columns a row was not grouped by: a bit each, the first the highest.
    left_out = {
        sum(1 << (len(places) - 1 - place) for place in places if place not in one): one
        for one in sets
    }
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {names}, grouping({names}), count(*) FROM ({sql}) AS asked ({names})"
            f" GROUP BY GROUPING SETS ({by})",
            given,
        )
        for *row, mask, number in cursor.fetchall():
            one = left_out[mask]
            found[sets.index(one)].append((*(row[place] for place in one), number))
    return found


class Capped(Subquery):
    """How many rows there are, up to `COUNTED` + 1, as a value beside another row."""

    template = "(SELECT count(*) FROM (%(subquery)s) AS asked)"
    output_field = IntegerField()

    def __init__(self, rows: QuerySet) -> None:
        super().__init__(up_to_limit(rows).rows)
