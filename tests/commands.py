"""`manage.py` commands that run for ever, as real processes on the test database."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings

from tests.server import database_url


@contextmanager
def manage(*arguments: str, **environment: str) -> Iterator[subprocess.Popen]:
    """A running command, killed at the end of the block."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": database_url()} | environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def until(
    is_so: Callable[[], bool], process: subprocess.Popen, seconds: float = 30
) -> float:
    """Wait for a state of the rows; how many seconds it took. The process must live."""
    start = time.monotonic()
    while not is_so():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() - start < seconds, "it never came"
        time.sleep(0.02)
    return time.monotonic() - start
