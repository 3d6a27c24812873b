"""Runs a benchmark on PostgreSQL and Redis of its own, in a folder that is removed after."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WAIT_SECONDS = 30


def run_alone(module: str, arguments: list[str]) -> int:
    """Run `python -m module --inside …` with private services; its exit code."""
    var = Path(tempfile.mkdtemp(prefix="pushdash-bench-"))
    # PostgreSQL runs as nobody where we are root.
    var.chmod(0o755)
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DATABASE_URL", "REDIS_URL")
    }
    environment |= {"PUSHDASH_VAR": str(var), "TZ": "UTC"}
    environment["DJANGO_SETTINGS_MODULE"] = "pushdash.settings"
    python = sys.executable
    command = [python, "-m", "pushdash.keeper", "run", python, "-m", module]
    try:
        return subprocess.run(
            [*command, "--inside", *arguments], cwd=ROOT, env=environment, check=False
        ).returncode
    finally:
        _wait_for_the_end(var)
        shutil.rmtree(var, ignore_errors=True)


def _wait_for_the_end(var: Path) -> None:
    """The keeper stops its servers a few seconds after the last client is gone."""
    until = time.monotonic() + WAIT_SECONDS
    pid = var / "postgres/postmaster.pid"
    while pid.exists() and time.monotonic() < until:
        time.sleep(0.2)
