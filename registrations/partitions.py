"""Day partitions of the history tables, made just before rows go in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import partial

from django.db import connection, transaction

TABLES = (
    "registrations_registration",
    "registrations_sighting",
    "registrations_pushline",
)
OLDEST = timedelta(days=400)
NEWEST = timedelta(days=1)
_made: set[tuple[str, date]] = set()


class Days:
    """Under which days facts are stored that were read at `read_at`."""

    def __init__(self, read_at: datetime) -> None:
        self._read_at = read_at
        self._oldest, self._newest = read_at - OLDEST, read_at + NEWEST

    def of(self, moment: datetime | None) -> date:
        """Its own day, or that of reading if none or impossible.

        Forged time stamps must not make partitions without end.
        """
        if moment is None or not self._oldest <= moment <= self._newest:
            return self._read_at.date()
        return moment.date()


def day_of(moment: datetime | None, read_at: datetime) -> date:
    """The day one fact is stored under."""
    return Days(read_at).of(moment)


def ensure(days: Iterable[date]) -> None:
    """Make the partitions of these days in every history table, where they are missing."""
    database = connection.settings_dict["NAME"]
    for day in sorted(set(days)):
        if (database, day) in _made:
            continue
        for table in TABLES:
            _make(table, day)
        transaction.on_commit(partial(_made.add, (database, day)))


def forget() -> None:
    """Look again which partitions are there: some may have been dropped."""
    _made.clear()


def _make(table: str, day: date) -> None:
    name = f"{table}_{day:%Y%m%d}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [name])
        if cursor.fetchone()[0] is None:
            until = day + timedelta(days=1)
            cursor.execute(
                f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF {table}"
                f" FOR VALUES FROM ('{day:%Y-%m-%d}') TO ('{until:%Y-%m-%d}')"
            )
