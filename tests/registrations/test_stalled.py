"""A source that stops shows as stalled since when, and recovers by itself."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection

from notifications.sources import source_of
from registrations import partitions
from registrations.models import Device, Feed, Registration
from tests.registrations.followed import lines, person
from tests.registrations.logs import plain
from tests.registrations.processes import until

pytestmark = pytest.mark.django_db(transaction=True)


def words(now) -> str:
    """What the Live page says of the feed."""
    return source_of(Feed.objects.get(), now).words


def test_a_file_that_is_gone_shows_as_stalled_with_its_age(tmp_path, follow_here):
    path = tmp_path / "proxy.log"
    path.write_bytes(lines(1))
    followed = follow_here(path)
    followed.take_in()
    path.unlink()
    followed.take_in(seconds=2)
    assert followed.trouble == ("", None), "a rotation takes a moment"
    followed.take_in(seconds=3)
    since = followed.now
    followed.take_in(seconds=200)
    assert followed.trouble == ("proxy.log is gone", since)
    assert words(followed.now) == "stalled for 3\xa0min: proxy.log is gone"
    path.write_bytes(lines(2))
    assert followed.take_in() == [1, 2]
    assert followed.trouble == ("", None)


def test_a_file_that_may_not_be_read_is_read_as_soon_as_it_may(tmp_path, follow_here):
    path = tmp_path / "proxy.log"
    path.symlink_to(path)
    followed = follow_here(path)
    followed.take_in()
    assert followed.trouble[0].startswith("proxy.log cannot be read: Too many levels")
    path.unlink()
    path.write_bytes(lines(1))
    assert followed.take_in() == [1]
    assert followed.trouble == ("", None)


def test_of_two_files_the_one_that_is_gone_stays_a_trouble(tmp_path, follow_here):
    one, two = tmp_path / "one.log", tmp_path / "two.log"
    one.write_bytes(lines(1))
    followed = follow_here(one, two)
    followed.take_in()
    followed.take_in(seconds=5)
    since = followed.now
    with one.open("ab") as log:
        log.write(lines(2))
    assert followed.take_in(seconds=60) == [1, 2]
    assert followed.trouble == ("two.log cannot be read: no such file", since)


@contextmanager
def full_disk():
    """Every batch meets what PostgreSQL says when it cannot extend a file."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            RAISE EXCEPTION 'could not extend file: No space left on device'
            USING ERRCODE = 'disk_full'; END $$;
            CREATE TRIGGER full_disk BEFORE UPDATE ON registrations_logfile
            EXECUTE FUNCTION full_disk()"""
        )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION full_disk CASCADE")


def test_a_full_disk_is_a_trouble_and_nothing_is_lost_or_doubled(tmp_path, follow):
    path = tmp_path / "proxy.log"
    path.write_bytes(plain(person(1)))
    process = follow(path)
    until(Device.objects.exists, process)
    with full_disk():
        with path.open("ab") as log:
            log.write(plain(person(2)))
        until(lambda: "No space left" in Feed.objects.get().trouble, process)
        feed = Feed.objects.get()
        said = words(feed.trouble_since + timedelta(minutes=2))
        assert said.startswith(
            "stalled for 2\xa0min: cannot be stored: could not extend"
        )
        assert Registration.objects.count() == 1
    until(lambda: Device.objects.count() == 2, process)
    assert Registration.objects.count() == 2
    assert Feed.objects.get().trouble == ""


@contextmanager
def database_down():
    """Nobody can connect, and whoever was is cut off; this test's session stays."""
    allow = f'ALTER DATABASE "{connection.settings_dict["NAME"]}" ALLOW_CONNECTIONS '
    with connection._nodb_cursor() as cursor:
        cursor.execute(allow + "false")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    try:
        yield
    finally:
        with connection._nodb_cursor() as cursor:
            cursor.execute(allow + "true")


def test_what_is_written_while_the_database_is_down_is_read_when_it_is_back(
    tmp_path, follow
):
    path = tmp_path / "proxy.log"
    path.write_bytes(plain(person(1)))
    process = follow(path)
    until(Device.objects.exists, process)
    with database_down():
        with path.open("ab") as log:
            log.write(plain(person(2)))
        path.rename(tmp_path / "proxy.log.1")
        path.write_bytes(plain(person(3)))
        until(lambda: "nothing stored" in process.stderr.readline(), process)
    until(lambda: Device.objects.count() == 3, process)
    assert Registration.objects.count() == 3
    assert Feed.objects.get().trouble == ""


def test_a_day_that_a_crash_of_postgresql_took_back_is_made_again(tmp_path, follow):
    path = tmp_path / "proxy.log"
    path.write_bytes(plain(person(1)))
    process = follow(path)
    until(Registration.objects.exists, process)
    day = Registration.objects.get().day
    with connection.cursor() as cursor:
        for table in partitions.TABLES:
            cursor.execute(f"DROP TABLE {table}_{day:%Y%m%d}")
    with path.open("ab") as log:
        log.write(plain(person(2)))
    until(Registration.objects.exists, process)
    assert Registration.objects.get().call_id == "call-2"
