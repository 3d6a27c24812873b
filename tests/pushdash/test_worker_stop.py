"""A worker that was told to stop leaves, whatever it waits for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

WORKER = """
import os, time
import django
django.setup()
from celery.signals import worker_shutting_down
from pushdash import celery
celery.LONGEST_SHUTDOWN_SECONDS = 0.2
child = os.fork()
if child:
    print(child, flush=True)
    worker_shutting_down.send(sender=None, sig="SIGTERM", how="warm", exitcode=0)
while True:
    time.sleep(60)
"""


def is_running(pid: int) -> bool:
    """False for one that is gone, or dead and not yet buried."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
    except OSError:
        return False


def test_a_stop_that_never_ends_is_ended_with_the_pool():
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with worker:
        child = int(worker.stdout.readline())
        # Both have its end of the pipe: it is closed when both are gone.
        assert worker.stdout.read() == ""
    assert worker.returncode == -signal.SIGKILL
    assert not is_running(child)
