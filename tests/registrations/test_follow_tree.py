"""A directory that is followed: each file in it, those to come, and more than can be open."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest

from registrations import following
from registrations.models import Feed, LogFile
from registrations.sources.named import growing_logs_of
from tests.registrations.followed import lines, stored

pytestmark = pytest.mark.django_db(transaction=True)


def write(path, *numbers: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as log:
        log.write(lines(*numbers))


def open_files(folder) -> int:
    """How many files below `folder` this process holds open."""
    links = (f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd"))
    targets = (os.readlink(link) for link in links if os.path.exists(link))
    return sum(target.startswith(str(folder)) for target in targets)


@pytest.fixture
def few(monkeypatch):
    """At most three files open at once."""
    monkeypatch.setattr(following, "MOST_OPEN", 3)


def test_files_that_come_later_are_followed_too(tmp_path, follow_here):
    write(tmp_path / "one.log", 1)
    followed = follow_here(tmp_path)
    assert followed.take_in() == [1]
    write(tmp_path / "deep" / "two.log", 2)
    assert followed.take_in() == [1, 2]


def test_a_rotation_in_the_directory_is_one_log_still(tmp_path, follow_here):
    log = tmp_path / "one.log"
    write(log, 1)
    followed = follow_here(tmp_path)
    followed.take_in()
    write(log, 2)
    log.rename(tmp_path / "one.log.1")
    write(log, 3)
    assert followed.take_in() == [1, 2, 3]
    assert [one.path for one in growing_logs_of([str(tmp_path)])] == [str(log)]


def test_of_event_logs_only_registrations_are_followed(tmp_path):
    for name in ("registers/2026-11-27.log", "calls/2026-11-27.log"):
        write(tmp_path / "users" / "e.org" / "bob" / name, 1)
    (log,) = growing_logs_of([str(tmp_path)])
    assert log.path.endswith("bob/registers/2026-11-27.log")
    assert log.name == tmp_path.name


def test_more_files_than_may_be_open_are_all_read(tmp_path, follow_here, few):
    for number in range(10):
        write(tmp_path / f"{number}.log", number)
    followed = follow_here(tmp_path)
    assert sorted(followed.take_in()) == list(range(10))
    assert open_files(tmp_path) == 3
    for number in range(10):
        write(tmp_path / f"{number}.log", number + 10)
    assert sorted(followed.take_in()) == list(range(20))


def test_after_a_restart_only_what_has_grown_is_read(
    tmp_path, follow_here, few, monkeypatch
):
    for number in range(10):
        # No record is left over at the end of an event log.
        path = tmp_path / f"user{number}" / "registers" / "2026-11-27.log"
        path.parent.mkdir(parents=True)
        path.write_text(event(number))
    followed = follow_here(tmp_path)
    followed.read_on()
    assert LogFile.objects.filter(position__gt=0).count() == 10
    path.write_text(path.read_text() + event(10))
    opened = []
    reading = following.Tail.read
    monkeypatch.setattr(
        following.Tail,
        "read",
        lambda tail, size: opened.append(tail.log.path) or reading(tail, size),
    )
    followed.start()
    followed.read_on()
    assert set(opened) == {str(path)}
    assert Feed.objects.get().register_count == 11


def event(number: int) -> str:
    """A line of Flexisip's event log."""
    token = f"{number:064x}"
    return (
        f"Fri Nov 27 09:00:{number:02} 2026: Registered  <sip:user{number}@example.org> "
        f"(sip:user{number}@192.0.2.1:5060;pn-prid={token}:voip;pn-provider=apns;"
        "pn-param=TEAM123456.org.example.phone.voip) Phone/1.0\n"
    )


def test_a_closed_file_that_grew_holds_the_watermark(tmp_path, follow_here, few):
    for number in range(4):
        write(tmp_path / f"{number}.log", number)
    followed = follow_here(tmp_path)
    followed.take_in()
    followed.take_in(seconds=61)
    assert followed.seen_until == pytest.approx(3.001)
    followed.now += timedelta(seconds=1)
    write(tmp_path / "0.log", 30)
    write(tmp_path / "3.log", 40)
    followed.take_in()
    assert sorted(stored()) == [0, 1, 2, 3, 30, 40]
    assert followed.seen_until == pytest.approx(30.001)


def test_a_file_that_cannot_be_read_gives_its_place_to_others(
    tmp_path, follow_here, few, monkeypatch
):
    for number in range(6):
        write(tmp_path / f"{number}.log", number)
    opening = following.Tail._opened

    def refused(tail):
        if tail.log.path.endswith(("0.log", "1.log", "2.log")):
            raise PermissionError(13, "Permission denied")
        return opening(tail)

    monkeypatch.setattr(following.Tail, "_opened", refused)
    followed = follow_here(tmp_path)
    for _ in range(3):
        followed.take_in()
    assert sorted(stored()) == [3, 4, 5]
    assert "0.log cannot be read: Permission denied" in followed.trouble[0]


def test_a_file_that_was_deleted_is_forgotten(tmp_path, follow_here, few):
    for number in range(5):
        write(tmp_path / f"{number}.log", number)
    followed = follow_here(tmp_path)
    followed.take_in()
    for number in range(5):
        (tmp_path / f"{number}.log").unlink()
    write(tmp_path / "9.log", 9)
    followed.take_in(seconds=10)
    assert sorted(followed.take_in()) == [0, 1, 2, 3, 4, 9]
    assert open_files(tmp_path) == 1
