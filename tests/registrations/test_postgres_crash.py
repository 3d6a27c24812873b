"""A crash of PostgreSQL takes back what a follower did not wait for: it is read again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_rows_after_crashes_of_postgresql_equal_those_of_an_undisturbed_run():
    trial = ["crash-ingest", "--registers", "3000", "--crashes", "2"]
    command = [sys.executable, "-m", "benchmarks", *trial]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout, done.stderr
    row = json.loads(done.stdout)
    assert (row["wrong"], row["follower_lived"], row["ok"]) == ({}, True, True)
