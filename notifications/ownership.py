"""Which worker process holds a row, and whether it still lives.

Each process keeps a PostgreSQL session of its own with an advisory lock on its number. The
lock goes the moment the process dies, `kill -9` included: no lease, no timer. With each
number goes a journal, locked too: a lost session alone is no death.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import psycopg
from django.db import connection, transaction

from notifications.journal import Journal

#: First key of pg_advisory_lock(int4, int4): "rows of the outbox".
NAMESPACE = 0x70756F77


class Owner:
    """This process as the holder of rows, its journals in `folder`. `number()` is safe
    after a fork.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal: Journal | None = None
        self._session: psycopg.Connection | None = None
        self._number = 0
        self._pid = 0

    def number(self) -> int:
        """Our number, its lock surely held; a new one after a fork or a lost session."""
        if self._pid != os.getpid() or not self._is_alive():
            self._take()
        return self._number

    def close(self) -> None:
        """Give the number up: whatever its rows are, the journal tells."""
        if self._session is not None:
            self._session.close()
            self._session = None
        if self.journal is not None:
            self.journal.close()
            self.journal = None

    def _is_alive(self) -> bool:
        if self._session is None or self._session.closed:
            return False
        try:
            self._session.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _take(self) -> None:
        if self._pid == os.getpid():  # after a fork they are the parent's to close
            self.close()
        parameters = connection.get_connection_params()
        parameters = {
            key: value
            for key, value in parameters.items()
            if key not in {"cursor_factory", "context", "prepare_threshold"}
        }
        session = psycopg.connect(**parameters, autocommit=True)
        number = secrets.randbelow(2**31 - 1) + 1
        session.execute("SELECT pg_advisory_lock(%s, %s)", [NAMESPACE, number])
        self.journal = Journal(self.folder, number)
        self._session, self._number, self._pid = session, number, os.getpid()


@transaction.atomic
def is_dead(number: int) -> bool:
    """True when no living process holds `number`."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [NAMESPACE, number])
        return cursor.fetchone()[0]
