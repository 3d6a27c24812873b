"""Writes the next states of many pushes as one statement.

Django's `bulk_update` builds an expression a row and a column: three quarters of a worker's
time went into it.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from notifications.models import Push

#: Columns a try changes, with their types; owner and departed_at go with every one.
COLUMNS = {
    "state": "text",
    "reason": "text",
    "due_at": "timestamptz",
    "sent_at": "timestamptz",
    "accepted_at": "timestamptz",
    "ended_at": "timestamptz",
    "attempt_count": "smallint",
}
UPDATE = """
    UPDATE {table} AS push SET owner = NULL, departed_at = NULL, {sets}
    FROM unnest({arrays}) AS new(id, {names}) WHERE push.id = new.id"""


def save(pushes: Sequence[Push]) -> None:
    """Store what their tries made of them; no worker holds them any more."""
    if not pushes:
        return
    types = ["uuid", *COLUMNS.values()]
    statement = UPDATE.format(
        table=Push._meta.db_table,
        sets=", ".join(f"{name} = new.{name}" for name in COLUMNS),
        arrays=", ".join(f"%s::{kind}[]" for kind in types),
        names=", ".join(COLUMNS),
    )
    values = [[getattr(push, name) for push in pushes] for name in ("pk", *COLUMNS)]
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
