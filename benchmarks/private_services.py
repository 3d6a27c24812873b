"""Runs a benchmark on PostgreSQL and Redis of its own, in a folder that is removed after."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pushdash import embedded

ROOT = Path(__file__).resolve().parent.parent
WAIT_SECONDS = 30
#: Names a folder of services that are stopped and have all tables: copied, it spares the parts
#: of bin/test and each short run making their own.
MODEL = "PUSHDASH_TEST_MODEL"


def run_alone(module: str, arguments: list[str]) -> int:
    """Run `python -m module --inside …` with private services; its exit code."""
    return _run(["-m", "pushdash.keeper", "run", sys.executable], module, arguments)


def run_unserved(module: str, arguments: list[str]) -> int:
    """The same, but it starts its services itself, below PUSHDASH_VAR."""
    return _run([], module, arguments)


def run_in(var: Path, module: str, arguments: list[str]) -> int:
    """The same as `run_alone` in a folder that stays."""
    var.mkdir(parents=True, exist_ok=True)
    return _run_in(
        var, ["-m", "pushdash.keeper", "run", sys.executable], module, arguments
    )


def environment_of(var: Path) -> dict[str, str]:
    """Of a command that uses the services below `var` and no others."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DATABASE_URL", "REDIS_URL")
    }
    environment |= {"PUSHDASH_VAR": str(var.resolve()), "TZ": "UTC"}
    environment["DJANGO_SETTINGS_MODULE"] = "pushdash.settings"
    return environment


def make_tables() -> None:
    """All tables in this process's database; a copied MODEL has them."""
    if MODEL not in os.environ:
        command = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
        subprocess.run(command, cwd=ROOT, check=True)


def _run(before: list[str], module: str, arguments: list[str]) -> int:
    var = Path(tempfile.mkdtemp(prefix="pushdash-bench-"))
    try:
        return _run_in(var, before, module, arguments)
    finally:
        shutil.rmtree(var, ignore_errors=True)


def _run_in(var: Path, before: list[str], module: str, arguments: list[str]) -> int:
    # PostgreSQL runs as nobody where we are root.
    var.chmod(0o755)
    if MODEL in os.environ:
        subprocess.run(["cp", "-a", f"{os.environ[MODEL]}/.", var], check=True)
    embedded.make_secrets(var)
    command = [sys.executable, *before, "-m", module, "--inside", *arguments]
    try:
        return subprocess.run(
            command, cwd=ROOT, env=environment_of(var), check=False
        ).returncode
    finally:
        _wait_for_the_end(var)


def _wait_for_the_end(var: Path) -> None:
    """The keeper stops its servers a few seconds after the last client is gone."""
    until = time.monotonic() + WAIT_SECONDS
    pid = var / "postgres/postmaster.pid"
    while pid.exists() and time.monotonic() < until:
        time.sleep(0.2)
