"""What several test folders share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pytest
from django.db import OperationalError, connection
from django.utils import translation
from hypothesis import HealthCheck, settings
from psycopg.errors import DeadlockDetected

from simulator.tls import Identity, make_identity
from tests import server

#: How fast a machine is says nothing of what is tested.
settings.register_profile(
    "untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("untimed")

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
#: What rolled-back tests left in tables and indexes beyond this is cut off with them.
MOST_DEAD_BYTES = 64_000_000
SIZE = """
    SELECT sum(pg_total_relation_size(oid)) FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"""


def emptied(tables: Iterable[str], truncate: Callable[[], None]) -> None:
    """Empty all tables: a tenth of the time of TRUNCATE, for most of them are empty. Where
    much that is dead has piled up, or foreign keys cannot be put off, by `truncate`.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('is_superuser') = 'on'")
        may_put_off = cursor.fetchone()[0]
        cursor.execute(SIZE)
        if not may_put_off or cursor.fetchone()[0] > MOST_DEAD_BYTES:
            return truncate()
        looks = (f"(SELECT '{name}' FROM \"{name}\" LIMIT 1)" for name in tables)
        cursor.execute(" UNION ALL ".join(looks))
        filled = [name for (name,) in cursor.fetchall()]
        if not filled:
            return None
        # No trigger fires, neither one of a foreign key nor the journal's.
        deletes = "".join(f'DELETE FROM "{name}"; ' for name in filled)
        cursor.execute(
            f"SET session_replication_role = replica; {deletes}"
            "SET session_replication_role = origin"
        )
    return None


def patient(empty: Callable[[], None]) -> None:
    """Again where emptying and a reader waited for each other."""
    for _ in range(MOST_DEADLOCKS):
        try:
            return empty()
        except OperationalError as error:
            if not isinstance(error.__cause__, DeadlockDetected):
                raise
    return empty()


def flush(truncate: Callable[[list[str]], None]) -> Callable[[list[str]], None]:
    """Django's emptying of all tables, by the quickest way."""

    def flushed(sql: list[str]) -> None:
        if not sql:
            return
        names = connection.introspection.django_table_names(
            only_existing=True, include_views=False
        )
        patient(lambda: emptied(names, lambda: truncate(sql)))

    return flushed


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker) -> None:
    """The test database, left alone by autovacuum."""
    connection.ops.execute_sql_flush = flush(connection.ops.execute_sql_flush)
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
