"""Django's PostgreSQL backend, but moments are read in C and a server that hung up is seen.

Django reads each in Python to give it the time zone of its settings: 4 µs, more than all else
of most rows. Our sessions speak UTC, so psycopg's own loader gives the same values.
"""

from __future__ import annotations

import select

from django.db.backends.postgresql import base
from psycopg import adapters
from psycopg.pq import Format

LOADER = adapters.get_loader(adapters.types["timestamptz"].oid, Format.TEXT)


class DatabaseWrapper(base.DatabaseWrapper):
    """One connection, in UTC."""

    def get_new_connection(self, conn_params: dict):
        """A connection to the server of the settings."""
        connection = super().get_new_connection(conn_params)
        connection.adapters.register_loader("timestamptz", LOADER)
        return connection

    def is_usable(self) -> bool:
        """The server has not hung up. Django asks it a question before each request's first; it
        says nothing unasked, so a socket with nothing to read is that of one that is there.
        """
        if self.connection is None or self.connection.closed:
            return False
        said = select.poll()
        said.register(self.connection, select.POLLIN)
        if said.poll(0) or self.errors_occurred:
            return super().is_usable()
        return True

    def create_cursor(self, name: str | None = None):
        """A cursor that keeps the connection's loaders: Django would give it its own."""
        if name is None:
            return self.connection.cursor()
        return base.ServerSideCursor(
            self.connection,
            name=name,
            scrollable=False,
            withhold=self.connection.autocommit,
        )
