"""Writes many changed rows in one statement, which Django's bulk_update is too slow for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection, models

UPDATE = """
    UPDATE {table} AS old SET {sets}
    FROM jsonb_to_recordset(%s::jsonb) AS new(pk bigint, {columns})
    WHERE old.id = new.pk
"""


def update_rows(rows: Sequence[models.Model], names: Sequence[str]) -> None:
    """Store these fields of the rows, which are all of one model."""
    if not rows:
        return
    fields = [type(rows[0])._meta.get_field(name) for name in names]
    query = UPDATE.format(
        table=type(rows[0])._meta.db_table,
        sets=", ".join(f"{field.column} = new.{field.column}" for field in fields),
        columns=", ".join(
            f"{field.column} {field.db_type(connection)}" for field in fields
        ),
    )
    values = [
        {field.column: getattr(row, field.attname) for field in fields} | {"pk": row.pk}
        for row in rows
    ]
    with connection.cursor() as cursor:
        cursor.execute(query, [json.dumps(values, default=_plain)])


def _plain(value: datetime | timedelta) -> str:
    """As PostgreSQL reads it, to the microsecond."""
    if isinstance(value, timedelta):
        return f"{value // timedelta(microseconds=1)} microseconds"
    return value.isoformat()
