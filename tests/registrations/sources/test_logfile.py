"""Files as they are, packed, and as they change under a reader."""

import gzip
import random

import pytest

from registrations.sources.logfile import (
    Fate,
    Marks,
    available,
    chunks,
    fate_of,
    inode_of,
    is_same_file,
    opened,
)

TEXT = bytes(range(256)) * 20


def marks_at(path, position: int) -> dict:
    with opened(str(path)) as stream:
        marks = Marks(stream, 0)
        for data in chunks(stream):
            marks.add(data)
        return {**marks.at(position), "position": position}


def still_same(path, marks: dict) -> bool:
    with opened(str(path)) as stream:
        return is_same_file(stream, **marks)


def test_a_gzip_reads_as_its_content(tmp_path):
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress(TEXT))
    with opened(str(path)) as stream:
        assert b"".join(chunks(stream)) == TEXT


def test_a_file_that_grew_is_the_same_file(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(TEXT)
    for position in (0, 1, 100, 1024, len(TEXT)):
        marks = marks_at(path, position)
        path.write_bytes(TEXT + b"more")
        assert still_same(path, marks)
        path.write_bytes(TEXT)


def test_a_rewritten_or_shortened_file_is_another(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(TEXT)
    marks = marks_at(path, 4000)
    for other in (b"x" + TEXT[1:], TEXT[:3990] + b"x" + TEXT[3991:], TEXT[:3000], b""):
        path.write_bytes(other)
        assert not still_same(path, marks)


def test_marks_taken_up_in_the_middle_equal_those_from_the_start(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(TEXT)
    with opened(str(path)) as stream:
        later = Marks(stream, 2000)
        for data in chunks(stream):
            later.add(data)
    assert {**later.at(3000), "position": 3000} == marks_at(path, 3000)


def test_rotation_by_rename_and_by_truncation_is_noticed(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(TEXT)
    inode = inode_of(str(path))

    def fate() -> Fate:
        return fate_of(str(path), inode, len(TEXT))

    assert fate() is Fate.SAME
    path.write_bytes(b"")
    assert fate() is Fate.CUT
    path.rename(tmp_path / "log.1")
    assert fate() is Fate.GONE
    path.write_bytes(b"")
    assert fate() is Fate.FORSAKEN
    path.write_bytes(TEXT)
    assert fate() is Fate.RENAMED


def test_a_packed_file_that_breaks_off_gives_what_is_whole(tmp_path):
    path = tmp_path / "log.gz"
    noise = random.Random(1).randbytes(300_000)
    path.write_bytes(gzip.compress(noise)[:-100_000])
    with opened(str(path)) as stream:
        data = available(stream, 10**6)
        assert noise.startswith(data) and len(data) > 150_000
        with pytest.raises(EOFError):
            available(stream, 10**6)
