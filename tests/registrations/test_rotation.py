"""Rotation by rename, copytruncate and gzip: everything once, the old before the new."""

from __future__ import annotations

import gzip
import os
import shutil

import pytest
from django.db import DatabaseError

from registrations.intake import Intake
from tests.registrations.followed import Followed, lines, stored

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "proxy.log"
    path.write_bytes(lines(1))
    return path


def append(path, data: bytes) -> None:
    with path.open("ab") as log:
        log.write(data)


def age(path, followed: Followed, seconds: float) -> None:
    """It was written so long after the clock of the one that follows."""
    at = followed.now.timestamp() + seconds
    os.utime(path, (at, at))


def cut(path, *, copied: int | None = None) -> None:
    """copytruncate; `copied`: only so many bytes come into the copy."""
    copy = path.with_name("proxy.log.1")
    shutil.copyfile(path, copy)
    if copied is not None:
        os.truncate(copy, copied)
    os.truncate(path, 0)


def test_what_is_still_written_to_the_renamed_file_comes_before_the_new_one(
    path, follow_here
):
    followed = follow_here(path)
    followed.take_in()
    old = path.rename(path.with_name("proxy.log.1"))
    append(old, lines(2))
    assert followed.take_in() == [1, 2]
    path.write_bytes(b"")
    append(old, lines(3))
    assert followed.take_in() == [1, 2, 3]
    append(old, lines(4))
    path.write_bytes(lines(5))
    assert followed.take_in() == [1, 2, 3, 4, 5]


def test_a_message_cut_in_two_by_the_poll_before_a_rename_is_read_whole(
    path, follow_here
):
    followed, data = follow_here(path), lines(2)
    append(path, data[:300])
    followed.take_in()
    append(path, data[300:])
    path.rename(path.with_name("proxy.log.1"))
    path.write_bytes(lines(3))
    assert followed.take_in() == [1, 2, 3]


def test_after_a_restart_the_rest_of_the_rotated_files_is_read_first(path, follow_here):
    follow_here(path).take_in()
    append(path, lines(2))
    with gzip.open(path.with_name("proxy.log.3.gz"), "wb") as packed:
        packed.write(path.read_bytes())
    path.with_name("proxy.log.2").write_bytes(lines(3))
    path.with_name("proxy.log.1").write_bytes(lines(4))
    path.write_bytes(lines(5))
    followed = follow_here(path)
    assert followed.take_in() == [1, 2, 3, 4, 5]
    followed.start()
    assert followed.take_in() == [1, 2, 3, 4, 5]


def test_after_a_restart_dated_rotations_are_read_in_order(path, follow_here):
    follow_here(path).take_in()
    append(path, lines(2))
    path.rename(path.with_name("proxy.log-20261124"))
    with gzip.open(path.with_name("proxy.log-20261125.gz"), "wb") as packed:
        packed.write(lines(3))
    path.write_bytes(lines(4))
    assert follow_here(path).take_in() == [1, 2, 3, 4]


def test_rotations_of_before_the_first_start_are_not_asked_for(path, follow_here):
    path.with_name("proxy.log.1").write_bytes(lines(2))
    assert follow_here(path).take_in() == [1]


def test_a_file_opened_and_rotated_before_anything_was_stored_is_read_first(
    path, follow_here, monkeypatch
):
    followed = follow_here(path)
    with monkeypatch.context() as patched, pytest.raises(DatabaseError):
        patched.setattr(Intake, "take", full)
        followed.take_in()
    path.rename(path.with_name("proxy.log.1"))
    path.write_bytes(lines(2))
    followed.start()
    assert followed.take_in() == [1, 2]


def full(*_) -> None:
    raise DatabaseError("no space left on device")


def test_files_that_were_all_opened_in_vain_are_all_read(
    path, follow_here, monkeypatch
):
    followed = follow_here(path)
    for number in (2, 3):
        with monkeypatch.context() as patched, pytest.raises(DatabaseError):
            patched.setattr(Intake, "take", full)
            followed.take_in()
        cut(path)
        packed = path.with_name(f"proxy.log.{4 - number}.gz")
        packed.write_bytes(gzip.compress(path.with_name("proxy.log.1").read_bytes()))
        path.with_name("proxy.log.1").unlink()
        # Written before it was opened, by a clock that may be ours.
        age(packed, followed, -60)
        path.write_bytes(lines(number))
        followed.start()
    assert followed.take_in() == [1, 2, 3]


def test_rotations_by_now_unknown_are_read_when_written_since(path, follow_here):
    followed = follow_here(path)
    followed.take_in()
    for number, name in ((2, "proxy.log.2"), (3, "proxy.log.1")):
        path.with_name(name).write_bytes(lines(number))
    age(path.with_name("proxy.log.2"), followed, -60)
    age(path.with_name("proxy.log.1"), followed, 30)
    path.write_bytes(lines(4))
    followed.start()
    assert followed.take_in(seconds=60) == [1, 3, 4]


def test_a_file_being_packed_is_waited_for(path, follow_here):
    followed = follow_here(path)
    followed.take_in()
    append(path, lines(2))
    packed = gzip.compress(path.read_bytes())
    path.with_name("proxy.log.1.gz").write_bytes(packed[:-20])
    age(path.with_name("proxy.log.1.gz"), followed, 0)
    path.write_bytes(lines(3))
    followed.start()
    followed.take_in()
    assert 3 not in stored()
    path.with_name("proxy.log.1.gz").write_bytes(packed)
    assert followed.take_in() == [1, 2, 3]


def test_a_packed_file_that_stays_broken_holds_nothing_for_ever(path, follow_here):
    followed = follow_here(path)
    followed.take_in()
    append(path, lines(*range(10, 400)))
    packed = gzip.compress(path.read_bytes())
    path.with_name("proxy.log.1.gz").write_bytes(packed[:-5000])
    age(path.with_name("proxy.log.1.gz"), followed, -90)
    path.write_bytes(lines(3))
    followed.start()
    found = followed.take_in()
    assert found[-1] == 3 and len(found) == len(set(found)) > 100


def test_what_was_written_before_a_copytruncate_is_read_from_the_copy(
    path, follow_here
):
    followed = follow_here(path)
    followed.take_in()
    append(path, lines(2))
    cut(path)
    append(path, lines(3))
    assert followed.take_in() == [1, 2, 3]


def test_a_cut_file_that_has_outgrown_the_old_one_is_noticed(path, follow_here):
    followed = follow_here(path)
    followed.take_in()
    append(path, lines(2))
    cut(path)
    append(path, lines(*range(3, 20)))
    assert followed.take_in() == list(range(1, 20))


def test_a_message_cut_in_two_by_the_poll_before_a_copytruncate_is_read_whole(
    path, follow_here
):
    followed, data = follow_here(path), lines(2)
    append(path, data[:300])
    followed.take_in()
    append(path, data[300:])
    cut(path)
    append(path, lines(3))
    assert followed.take_in() == [1, 2, 3]


def test_a_copy_that_lacks_what_we_read_is_not_read_again(path, follow_here):
    append(path, lines(2, 3))
    followed = follow_here(path)
    followed.take_in()
    cut(path, copied=len(lines(1, 2)))
    append(path, lines(4))
    assert followed.take_in() == [1, 2, 3, 4]
    followed.start()
    assert followed.take_in() == [1, 2, 3, 4]


def test_a_file_cut_without_a_copy_is_read_from_its_start(path, follow_here):
    followed = follow_here(path)
    followed.take_in()
    path.write_bytes(lines(2))
    assert followed.take_in() == [1, 2]


def test_a_copytruncate_while_nobody_read_is_caught_up(path, follow_here):
    follow_here(path).take_in()
    append(path, lines(2))
    cut(path)
    append(path, lines(3))
    assert follow_here(path).take_in() == [1, 2, 3]
