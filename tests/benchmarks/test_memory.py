from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.memory import held_mb, measured

MEGABYTES = 100
HOLDS = [sys.executable, "-c", f"bytearray({MEGABYTES << 20})"]


def test_a_run_counts_what_it_held_and_not_what_its_starter_does(tmp_path):
    held = bytearray(MEGABYTES << 20)
    with (tmp_path / "out").open("wb") as out:
        assert measured(["true"], out, tmp_path).peak_mb < len(held) / 2**20 / 2
        assert measured(HOLDS, out, tmp_path).peak_mb > MEGABYTES
    assert held_mb() > MEGABYTES


def test_a_program_that_fails_is_named(tmp_path):
    with Path("/dev/null").open("wb") as out, pytest.raises(SystemExit) as raised:
        measured(["false"], out, tmp_path)
    assert str(raised.value) == "['false'] ended with 1"
