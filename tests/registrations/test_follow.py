"""`ingest --follow` as a real process: rotation, kill -9, the feed's lock."""

from __future__ import annotations

import random
import time
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from registrations.feeds import close_feed, open_feed
from registrations.models import Device, Feed, Registration, Sighting
from tests.registrations.followed import person
from tests.registrations.logs import FlexisipLog, plain
from tests.registrations.processes import until

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_followed_log_is_read_through_rename_and_copytruncate(tmp_path, follow):
    path = tmp_path / "proxy.log"
    path.write_bytes(plain(person(1)))
    process = follow(path)
    until(lambda: Device.objects.count() == 1, process)

    with path.open("ab") as log:
        log.write(plain(person(2)))
    path.rename(tmp_path / "proxy.log.1")
    path.write_bytes(plain(person(3)))
    until(lambda: Device.objects.count() == 3, process)

    path.write_bytes(b"")
    time.sleep(0.5)
    path.write_bytes(plain(person(4)))
    until(lambda: Device.objects.count() == 4, process)
    assert Registration.objects.count() == 4

    process.terminate()
    assert process.wait(20) == 0


def test_a_log_without_times_followed_live_has_estimated_moments(tmp_path, follow):
    path = tmp_path / "proxy.log"
    path.write_bytes(plain(person(1)))
    process = follow(path)
    until(Sighting.objects.exists, process)
    sighting, feed = Sighting.objects.get(), Feed.objects.get()
    assert sighting.estimated and sighting.moment is not None
    assert feed.seen_until == sighting.moment
    assert feed.followed


def test_a_missing_file_is_a_trouble_of_the_feed_until_it_comes(tmp_path, follow):
    path = tmp_path / "proxy.log"
    process = follow(path)
    until(lambda: Feed.objects.exclude(trouble="").exists(), process)
    path.write_bytes(plain(person(1)))
    until(Device.objects.exists, process)
    assert Feed.objects.get().trouble == ""


def test_a_cut_connection_to_the_database_is_survived(tmp_path, follow):
    path = tmp_path / "proxy.log"
    path.write_bytes(plain(person(1)))
    process = follow(path)
    until(lambda: Device.objects.count() == 1, process)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    with path.open("ab") as log:
        log.write(plain(person(2)))
    until(lambda: Device.objects.count() == 2, process)
    assert Registration.objects.count() == 2


def test_a_feed_is_read_by_one_process_at_a_time(tmp_path, follow):
    path = tmp_path / "proxy.log"
    path.write_bytes(plain(person(1)))
    process = follow(path)
    until(Device.objects.exists, process)
    with pytest.raises(CommandError, match="being read by another process"):
        call_command("ingest", str(path), stderr=StringIO())


def test_a_feed_is_free_again_once_it_was_read(tmp_path, follow):
    feed = open_feed("proxy.log", "", None)
    close_feed(feed)
    path = tmp_path / "proxy.log"
    path.write_bytes(plain(person(1)))
    until(Device.objects.exists, follow(path))


def rows() -> list[tuple]:
    return sorted(
        Registration.objects.values_list("call_id", "position", "kind", "moment")
    )


def test_a_reader_killed_at_any_moment_loses_and_doubles_nothing(tmp_path, follow):
    log, dice = FlexisipLog(), random.Random(7)
    for number in range(2000):
        key = f"0x{number:x}"
        log.request(number, person(number), key).reply(number + 0.2, 200, key)
    path = tmp_path / "proxy.log"
    path.write_bytes(log.bytes)
    for _ in range(4):
        process = follow(path)
        seen = Registration.objects.count()
        until(
            lambda seen=seen: Registration.objects.count() > seen or is_read(), process
        )
        time.sleep(dice.random() / 5)
        process.kill()
        process.wait()
    until(is_read, follow(path))
    broken = rows()
    assert len(broken) == len({row[:2] for row in broken}) == 2000
    Registration.objects.all().delete()
    call_command("ingest", str(path), feed="undisturbed", stderr=StringIO())
    assert [row[:2] for row in rows()] == [row[:2] for row in broken]


def is_read() -> bool:
    return Registration.objects.count() == 2000
