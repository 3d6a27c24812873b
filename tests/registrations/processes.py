"""`manage.py ingest` as a real process on the test's own database."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from django.db import connection

ROOT = Path(__file__).parents[2]


def until(is_so: Callable[[], bool], process: subprocess.Popen) -> None:
    """Wait for a state of the rows; the process must live meanwhile."""
    deadline = time.monotonic() + 30
    while not is_so():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


def started(path: Path | str, *options: str) -> subprocess.Popen:
    """Of the path `-` the process reads what is written to its `stdin`, as text."""
    settings = connection.settings_dict
    url = "postgresql://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format_map(settings)
    if str(settings["HOST"]).startswith("/"):
        url = "postgresql://{USER}@/{NAME}?host={HOST}".format_map(settings)
    return subprocess.Popen(
        [sys.executable, "manage.py", "ingest", *options, str(path)],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url},
        stdin=subprocess.PIPE if path == "-" else None,
        stderr=subprocess.PIPE,
        text=True,
    )
