"""Writes many rows in one statement, which Django's own bulk writes are too slow for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import connection, models

UPDATE = """
    UPDATE {table} AS old SET {sets}
    FROM jsonb_to_recordset(%s::jsonb) AS new({types}) WHERE old.{key} = new.{key}
"""
INSERT = """
    INSERT INTO {table} ({columns})
    SELECT {columns} FROM jsonb_to_recordset(%s::jsonb) AS new({types})
    ON CONFLICT ({key}) DO UPDATE SET {sets}
"""


def update_rows(
    model: type[models.Model], names: Sequence[str], rows: Sequence[tuple]
) -> None:
    """Store these columns of rows that are there; the first names the row."""
    _write(UPDATE, "new", model, names, rows)


def put_rows(
    model: type[models.Model], names: Sequence[str], rows: Sequence[tuple]
) -> None:
    """The same; rows that are not there are made."""
    _write(INSERT, "EXCLUDED", model, names, rows)


def array_of(values: Iterable[int | datetime]) -> str:
    """They as PostgreSQL's text of an array, which psycopg takes thrice as long to make."""
    return "{" + ",".join(map(str, values)) + "}"


def _write(query: str, source: str, model, names, rows) -> None:
    if not rows:
        return
    fields = [model._meta.get_field(name) for name in names]
    columns = [field.column for field in fields]
    statement = query.format(
        table=model._meta.db_table,
        key=columns[0],
        columns=", ".join(columns),
        types=", ".join(f"{field.column} {_type_of(field)}" for field in fields),
        sets=", ".join(f"{column} = {source}.{column}" for column in columns[1:]),
    )
    values = [dict(zip(columns, row, strict=True)) for row in rows]
    with connection.cursor() as cursor:
        cursor.execute(statement, [json.dumps(values, default=plain)])


def _type_of(field: models.Field) -> str:
    return (
        field.rel_db_type(connection)
        if field.primary_key
        else field.db_type(connection)
    )


def plain(value: datetime | timedelta) -> str:
    """As PostgreSQL reads it, to the microsecond."""
    if isinstance(value, timedelta):
        return f"{value // timedelta(microseconds=1)} microseconds"
    return value.isoformat()
