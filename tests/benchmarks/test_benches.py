"""Every bench is found by `bin/bench` and says how it is used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import benches

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", benches())
def test_every_bench_answers_help(name):
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", name, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"usage: bin/bench {name} ")
