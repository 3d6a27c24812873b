"""The short form of `bin/bench client-memory`."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(shutil.which("nginx") is None, reason="needs nginx")
def test_ten_thousand_pushes_leave_nothing_in_memory():
    command = [sys.executable, "-m", "benchmarks", "client-memory", "--pushes", "10000"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    row = json.loads(done.stdout)
    assert len(row["mb"]) == 10
