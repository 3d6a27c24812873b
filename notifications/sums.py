"""Keeps the counts of judged calls by hour and by day; their one writer.

What a verdict changes is added in the transaction that stores it, so they are exact at any
moment. `recount` makes them anew from the calls.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection, transaction

from notifications.models import CallCount, WakeCount
from notifications.storing import plain

SIZES = "(VALUES ('hour'), ('day')) AS sizes (size)"
#: What is counted: everything that has a verdict.
CALLS = """
    SELECT size, date_trunc(size, sent_at, 'UTC') AS start, build_id, verdict, rule,
        sum(calls)::int AS calls, sum(pushes)::int AS pushes
    FROM ({told}) AS told, {sizes} WHERE sent_at IS NOT NULL AND verdict <> 'awaited'
    GROUP BY 1, 2, 3, 4, 5 HAVING sum(calls) <> 0 OR sum(pushes) <> 0
"""
#: Tenths of seconds, not quantiles: those cannot be added.
WAKES = """
    SELECT size, date_trunc(size, sent_at, 'UTC') AS start, coalesce(build.name, '') AS name,
        coalesce(build.version, '') AS version,
        ceil(extract(epoch FROM wake_time) * 10)::int AS tenth, sum(calls)::int AS calls
    FROM ({told}) AS told LEFT JOIN notifications_build AS build ON build.id = build_id,
        {sizes}
    WHERE sent_at IS NOT NULL AND verdict = 'handled' AND wake_time IS NOT NULL
    GROUP BY 1, 2, 3, 4, 5 HAVING sum(calls) <> 0
"""
#: In one order, so that processes that rebuild wait for each other and never in a circle.
ADD = """
    INSERT INTO {table} AS kept ({columns}) {counted} ORDER BY 1, 2, 3, 4, 5
    ON CONFLICT ({key}) DO UPDATE SET {sets}
"""
NEWS = """
    SELECT * FROM jsonb_to_recordset(%s::jsonb) AS news(sent_at timestamptz, build_id bigint,
        verdict text, rule text, wake_time interval, calls int, pushes int)
"""
ALL = """
    SELECT sent_at, build_id, verdict, rule, wake_time, 1 AS calls,
        greatest(pushes_accepted, 1) AS pushes
    FROM notifications_call
"""
DIFFERING = """
    SELECT count(DISTINCT ({key})) FROM (
        (SELECT {columns} FROM fresh EXCEPT SELECT {columns} FROM {table})
        UNION ALL
        (SELECT {columns} FROM {table} WHERE calls <> 0 EXCEPT SELECT {columns} FROM fresh)
    ) AS differing
"""
#: table → how it is counted, its key, its sums.
TABLES = {
    CallCount._meta.db_table: (
        CALLS,
        "size, start, build_id, verdict, rule",
        ("calls", "pushes"),
    ),
    WakeCount._meta.db_table: (
        WAKES,
        "size, start, name, version, tenth",
        ("calls",),
    ),
}


class Counted(NamedTuple):
    """What of a call is counted."""

    sent_at: datetime | None
    build_id: int | None
    verdict: str
    rule: str
    wake_time: timedelta | None
    pushes_accepted: int


def move(changed: Sequence[tuple[Counted, Counted]]) -> None:
    """Calls that counted as the first, count as the second from now on."""
    news = [
        _told(one, sign)
        for before, now in changed
        if before != now
        for one, sign in ((before, -1), (now, 1))
        if one.verdict != "awaited" and one.sent_at is not None
    ]
    if not news:
        return
    given = json.dumps(news, default=plain)
    with connection.cursor() as cursor:
        for table, (counted, key, sums) in TABLES.items():
            statement = ADD.format(
                table=table,
                columns=", ".join((key, *sums)),
                key=key,
                counted=counted.format(told=NEWS, sizes=SIZES),
                sets=", ".join(f"{sum} = kept.{sum} + EXCLUDED.{sum}" for sum in sums),
            )
            cursor.execute(statement, [given])


def _told(one: Counted, sign: int) -> dict:
    told = one._asdict()
    pushes = max(1, told.pop("pushes_accepted"))
    return told | {"calls": sign, "pushes": sign * pushes}


@transaction.atomic
def recount() -> int:
    """Count everything anew, while nobody judges. Returns how many sums were wrong."""
    with connection.cursor() as cursor:
        return sum(_recount(cursor, table, *how) for table, how in TABLES.items())


def _recount(cursor, table: str, counted: str, key: str, sums: tuple) -> int:
    columns = ", ".join((key, *sums))
    names = {"table": table, "key": key, "columns": columns}
    counted = counted.format(told=ALL, sizes=SIZES)
    cursor.execute(f"CREATE TEMPORARY TABLE fresh ON COMMIT DROP AS {counted}")
    cursor.execute(DIFFERING.format(**names))
    (wrong,) = cursor.fetchone()
    if wrong:
        cursor.execute(f"DELETE FROM {table}")
        cursor.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM fresh")
    cursor.execute("DROP TABLE fresh")
    return wrong
