"""Several files that feed one proxy: each with its position, one watermark for all."""

from __future__ import annotations

import os
from io import StringIO

import pytest
from django.core.management import call_command

from registrations.models import Feed, LogFile
from registrations.sources.logfile import size_of
from tests.registrations.followed import Followed, lines, stored

pytestmark = pytest.mark.django_db(transaction=True)


def write(path, *numbers: int, at: Followed | None = None) -> None:
    with path.open("ab") as log:
        log.write(lines(*numbers))
    if at is not None:
        os.utime(path, (at.now.timestamp(), at.now.timestamp()))


def test_each_file_of_a_feed_has_a_position_of_its_own(tmp_path, follow_here):
    one, two = tmp_path / "one.log", tmp_path / "two.log"
    write(one, 1)
    write(two, 2, 3)
    followed = follow_here(one, two)
    assert sorted(followed.take_in()) == [1, 2, 3]
    write(one, 4)
    followed.start()
    assert sorted(followed.take_in()) == [1, 2, 3, 4]
    for file in LogFile.objects.all():
        assert 0 < size_of(file.path) - file.position < 200
    assert LogFile.objects.count() == 2


def test_the_feed_is_read_as_far_as_the_file_furthest_behind(tmp_path, follow_here):
    one, two = tmp_path / "one.log", tmp_path / "two.log"
    followed = follow_here(one, two)
    write(one, 10, at=followed)
    followed.take_in()
    assert followed.seen_until is None, "the other one may hold anything"
    write(two, 5, at=followed)
    followed.take_in()
    assert followed.seen_until == pytest.approx(5.001)
    write(one, 20, at=followed)
    followed.take_in()
    assert followed.seen_until == pytest.approx(5.001)
    write(two, 30, at=followed)
    followed.take_in()
    assert followed.seen_until == pytest.approx(20.001)


def test_a_named_file_that_is_quiet_holds_the_others_and_is_told(tmp_path, follow_here):
    """It may be stalled: phones of its proxy must not be blamed."""
    one, two = tmp_path / "one.log", tmp_path / "two.log"
    followed = follow_here(one, two)
    write(one, 10, at=followed)
    write(two, 5, at=followed)
    followed.take_in()
    write(one, 700, at=followed)
    followed.take_in(seconds=690)
    followed.take_in(seconds=1)
    assert followed.seen_until == pytest.approx(5.001)
    assert followed.trouble[0] == "two.log shows nothing new"
    write(two, 701, at=followed)
    followed.take_in()
    assert followed.seen_until == pytest.approx(700.001)
    assert followed.trouble[0] == ""


def test_an_idle_file_of_a_pattern_holds_the_others_for_a_heartbeat_only(
    tmp_path, follow_here
):
    one, two = tmp_path / "one.log", tmp_path / "two.log"
    followed = follow_here(tmp_path / "*.log")
    write(one, 10, at=followed)
    write(two, 5, at=followed)
    followed.take_in()
    write(one, 50, at=followed)
    followed.take_in(seconds=40)
    assert followed.seen_until == pytest.approx(5.001)
    write(one, 71, at=followed)
    followed.take_in(seconds=21)
    assert followed.seen_until == pytest.approx(71.001)
    write(two, 75, at=followed)
    write(one, 80, at=followed)
    followed.take_in()
    assert followed.seen_until == pytest.approx(75.001)


def test_a_feed_whose_files_are_all_idle_stays_at_its_newest_record(
    tmp_path, follow_here
):
    one = tmp_path / "one.log"
    followed = follow_here(one)
    write(one, 10, at=followed)
    followed.take_in()
    followed.take_in(seconds=600)
    assert followed.seen_until == pytest.approx(10.001)


def test_a_named_file_that_is_missing_holds_the_feed_and_a_vanished_one_of_a_pattern_not(
    tmp_path, follow_here
):
    one, two = tmp_path / "one.log", tmp_path / "two.log"
    followed = follow_here(tmp_path / "*.log")
    write(one, 10, at=followed)
    write(two, 5, at=followed)
    followed.take_in()
    two.unlink()
    write(one, 20, at=followed)
    followed.take_in(seconds=4)
    write(one, 21, at=followed)
    followed.take_in()
    assert followed.seen_until == pytest.approx(21.001)
    assert followed.trouble == ("", None)


def test_a_pattern_finds_files_that_come_later_and_their_rotations_are_no_feeds(
    tmp_path, follow_here
):
    followed = follow_here(tmp_path / "*.log*")
    write(tmp_path / "one.log", 1)
    assert followed.take_in() == [1]
    write(tmp_path / "two.log", 2)
    write(tmp_path / "one.log", 3)
    (tmp_path / "one.log").rename(tmp_path / "one.log.1")
    assert sorted(followed.take_in()) == [1, 2, 3]
    write(tmp_path / "one.log", 4)
    assert sorted(followed.take_in()) == [1, 2, 3, 4]


def test_an_answer_is_waited_for_by_the_time_of_its_own_log(tmp_path, follow_here):
    one, two = tmp_path / "one.log", tmp_path / "two.log"
    write(one, 5000)
    data = lines(7)
    two.write_bytes(data[:-40])
    followed = follow_here(one, two)
    assert followed.take_in() == [5000]
    with two.open("ab") as log:
        log.write(data[-40:])
    assert followed.take_in() == [5000, 7]


def test_files_read_once_are_one_feed_when_it_is_named(tmp_path, follow_here):
    one, two = tmp_path / "one.log", tmp_path / "two.log"
    write(one, 1, 50)
    write(two, 20, 30)
    call_command("ingest", "--feed", "proxy", str(one), str(two), stderr=StringIO())
    assert sorted(stored()) == [1, 20, 30, 50]
    assert Feed.objects.get().seen_until.second == 50


def test_rotated_files_are_read_once_with_their_log_the_oldest_first(
    tmp_path, follow_here
):
    for number, name in enumerate(["p.log.10", "p.log.2", "p.log.1", "p.log"], 1):
        write(tmp_path / name, number)
    call_command("ingest", str(tmp_path / "p.log*"), stderr=StringIO())
    assert stored() == [1, 2, 3, 4]
    assert Feed.objects.get().name == "p.log"
