"""How PostgreSQL plans what pages ask: the first fifty of a million rows, from memory.

Only in the web process. A session of `ingest` or of a worker asks for other things.
"""

from __future__ import annotations

from django.db.backends.signals import connection_created

#: PostgreSQL's 4 is that of a turning disk: it would rather read two million holdings than
#: look up a hundred. A merge join begins at the end of the list, wherever the page does. To
#: compile a statement takes longer than any page may, and parallel workers take the cores that
#: other pages wait for.
SETTINGS = (
    "SET random_page_cost = 1.1; SET enable_mergejoin = off; SET jit = off;"
    "SET max_parallel_workers_per_gather = 0"
)


def plan_for_pages() -> None:
    """Every connection of this process that is opened from now on plans so."""
    connection_created.connect(_settle, dispatch_uid="pushdash.planning")


def _settle(connection, **_) -> None:
    with connection.cursor() as cursor:
        cursor.execute(SETTINGS)
