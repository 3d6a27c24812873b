"""A directory stands for the files in it; a tree of event logs for its registrations."""

import os

import pytest

from registrations.sources.trees import files_of


def test_a_file_is_itself_and_standard_input_too(tmp_path):
    assert files_of("-") == ["-"]
    assert files_of(str(tmp_path / "gone.log")) == [str(tmp_path / "gone.log")]


def test_a_directory_is_read_oldest_file_first(tmp_path):
    for age, name in enumerate(["a.log", "a.log.1", "b/a.log.2.gz"]):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.touch()
        os.utime(file, (1000 - age, 1000 - age))
    names = [os.path.basename(file) for file in files_of(str(tmp_path))]
    assert names == ["a.log.2.gz", "a.log.1", "a.log"]


def test_of_event_logs_only_registrations_are_read_day_by_day(tmp_path):
    for user in ("bob", "alice"):
        for day in ("registers/2025-03-05", "registers/2025-03-04", "calls/2025-03-04"):
            file = tmp_path / "users" / "e.org" / user / f"{day}.log"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
    found = [
        file.removeprefix(f"{tmp_path}/users/e.org/")
        for file in files_of(str(tmp_path))
    ]
    assert found == [
        "alice/registers/2025-03-04.log",
        "bob/registers/2025-03-04.log",
        "alice/registers/2025-03-05.log",
        "bob/registers/2025-03-05.log",
    ]


def test_an_empty_directory_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file"):
        files_of(str(tmp_path))
