"""What several test folders share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.db import OperationalError, connection
from django.utils import translation
from psycopg.errors import DeadlockDetected

from simulator.tls import Identity, make_identity
from tests import server

#: Every test rolls back, so a vacuum finds tables without a row: PostgreSQL then plans for
#: none, and reads all that is dead again and again.
UNSWEPT = """
    DO $$ DECLARE one regclass; BEGIN
    FOR one IN SELECT oid FROM pg_class
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace LOOP
        EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = false)', one);
    END LOOP; END $$"""


#: A server that a test started may still read what the test's end empties.
MOST_DEADLOCKS = 5


def patient(flush: Callable) -> Callable:
    """Django's emptying of all tables, again where it and a reader waited for each other."""

    def emptied(sql: list[str]) -> None:
        for _ in range(MOST_DEADLOCKS):
            try:
                return flush(sql)
            except OperationalError as error:
                if not isinstance(error.__cause__, DeadlockDetected):
                    raise
        return flush(sql)

    return emptied


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker) -> None:
    """The test database, left alone by autovacuum."""
    connection.ops.execute_sql_flush = patient(connection.ops.execute_sql_flush)
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(UNSWEPT)


@pytest.fixture(scope="session")
def base_url(django_db_setup) -> str:
    """A running server on the test database."""
    with server.running() as url:
        yield url


@pytest.fixture(scope="session")
def identity(tmp_path_factory) -> Identity:
    """What a simulated APNs is known by: certificate, CA and provider key."""
    return make_identity(tmp_path_factory.mktemp("apns"))


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """A request of a test leaves its language behind in the thread; the next begins anew."""
    yield
    translation.deactivate()
