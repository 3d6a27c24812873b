"""A worker that was told to stop leaves, whatever it waits for."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys

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


def wait_until_dead(pid: int, seconds: float) -> bool:
    """A killed process is dead when the kernel comes to it, its files are closed before."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watched], [], [], seconds)[0])
    finally:
        os.close(watched)


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
    assert wait_until_dead(child, seconds=60)
