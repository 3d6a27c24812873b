"""Moments come from PostgreSQL as Django's own backend gives them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DataError, connection, connections
from psycopg import adapters
from psycopg.pq import Format

from pushdash.postgres.base import LOADER
from registrations.models import Feed
from tests import factories
from tests.factories import MORNING

pytestmark = pytest.mark.django_db
OID = adapters.types["timestamptz"].oid
MOMENTS = (
    "2026-11-29 22:35:07.123456+00",
    "2026-11-29 22:35:07+05:30",
    "1969-12-31 23:59:59.999999+00",
    "0001-01-01 00:00:00+00",
)


@pytest.mark.parametrize("text", MOMENTS)
def test_a_moment_is_aware_and_in_utc(text):
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [text])
        (found,) = cursor.fetchone()
    assert found == datetime.fromisoformat(text)
    assert found.tzinfo is UTC


def test_no_moment_is_none_and_infinity_is_none_of_ours():
    with connection.cursor() as cursor:
        cursor.execute("SELECT NULL::timestamptz")
        assert cursor.fetchone() == (None,)
        cursor.execute("SELECT 'infinity'::timestamptz")
        with pytest.raises(DataError):
            cursor.fetchone()


def test_rows_read_bit_by_bit_are_read_the_same():
    moments = [MORNING + timedelta(hours=hour) for hour in range(3)]
    for moment in moments:
        factories.feed(f"feed {moment:%H}", seen_until=moment)
    read = Feed.objects.order_by("name").values_list("seen_until", flat=True)
    assert list(read.iterator(chunk_size=1)) == moments


def test_django_leaves_our_loader_in_its_place():
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.adapters.get_loader(OID, Format.TEXT) is LOADER


def test_a_server_that_hung_up_is_seen_without_asking_it():
    own = connections.create_connection("default")
    try:
        with own.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (backend,) = cursor.fetchone()
        assert own.is_usable()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])
        assert not own.is_usable()
    finally:
        own.close()
    assert not own.is_usable()
