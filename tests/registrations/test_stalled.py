"""A source that stops shows as stalled since when, and recovers by itself."""

from __future__ import annotations

import subprocess
import threading
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection

from notifications.sources import source_of
from registrations import partitions
from registrations.models import Device, Feed, Registration
from tests.registrations.followed import lines, person, stored
from tests.registrations.logs import plain
from tests.registrations.processes import started, until

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


NOISE = b"hello\n" * 3
KNOWN = "proxy.log: 18 bytes read, no line looks like a known log"
WIDE = "proxy.log: 36 bytes read, it is UTF-16: convert it with iconv"


@pytest.mark.parametrize(
    ("noise", "told"), [(NOISE, KNOWN), (NOISE.decode().encode("utf-16-le"), WIDE)]
)
def test_a_log_of_which_nothing_is_known_for_a_heartbeat_says_so_once(
    tmp_path, follow_here, caplog, noise, told
):
    path = tmp_path / "proxy.log"
    path.write_bytes(noise)
    followed = follow_here(path)
    followed.take_in()
    assert followed.trouble == ("", None), "what a program prints first is no log yet"
    followed.take_in(seconds=61)
    assert followed.trouble == (told, followed.now)
    with path.open("ab") as log:
        log.write(noise)
    followed.take_in(seconds=61)
    assert followed.trouble[0] == told
    assert [one.message for one in caplog.records].count("feed in trouble") == 1
    followed.start()
    followed.take_in()
    followed.take_in(seconds=61)
    assert followed.trouble[0].endswith(told[-20:]), "after a restart too"
    with path.open("ab") as log:
        log.write(b"\n" + lines(1))
    assert followed.take_in() == [1]
    assert followed.trouble == ("", None)


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


@pytest.fixture
def pipe(monkeypatch):
    """`ingest -` as a process; what its pipe is given is written by a thread."""
    monkeypatch.setenv("TZ", "UTC")
    process = started("-", "--feed", "pipe")
    yield process
    process.kill()
    process.communicate()


def written(process: subprocess.Popen, data: bytes) -> threading.Thread:
    """Ends when the pipe has taken all of it."""

    def write() -> None:
        process.stdin.buffer.write(data)
        process.stdin.buffer.flush()

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    return thread


def test_a_pipe_waits_while_the_database_is_down_and_goes_on_when_it_is_back(pipe):
    written(pipe, lines(1)).join()
    until(Device.objects.exists, pipe)
    with database_down():
        written(pipe, lines(2)).join()
        until(lambda: "nothing stored" in pipe.stderr.readline(), pipe)
        writer = written(pipe, NOISE * 2_000_000 + lines(3))
        until(lambda: "nothing stored" in pipe.stderr.readline(), pipe)
        assert writer.is_alive(), "36 MB are not held in memory"
    writer.join()
    pipe.stdin.close()
    pipe.stdin = None
    assert pipe.wait(60) == 0
    assert stored() == [1, 2, 3]
    feed = Feed.objects.get()
    assert (feed.trouble, feed.followed, feed.register_count) == ("", False, 3)


def test_a_pipe_shows_as_stalled_while_nothing_can_be_stored(pipe):
    written(pipe, lines(1)).join()
    until(Device.objects.exists, pipe)
    with full_disk():
        written(pipe, lines(2)).join()
        until(lambda: "No space left" in Feed.objects.get().trouble, pipe)
        assert stored() == [1]
    until(lambda: stored() == [1, 2], pipe)
    until(lambda: Feed.objects.get().trouble == "", pipe)
