"""What the delivery benches play on: PostgreSQL, Redis, the simulated APNs and real Celery
workers, each a process of ours that can be killed and started again.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.private_services import ROOT
from pushdash import embedded, private
from pushdash.keeper import start_services, stop_services
from pushdash.management.commands.up import free_port

AWAY_SECONDS = 1.0


class Services:
    """PostgreSQL and Redis of `var`."""

    def __init__(self, var: Path) -> None:
        self._var = var
        self._children: list[subprocess.Popen] = []

    def start(self) -> None:
        start_services(self._var, self._children)

    def stop(self) -> None:
        stop_services(self._children)

    def kill(self, name: str) -> None:
        """`kill -9` of a whole server, away for a moment; Redis comes back empty."""
        number = ("postgres", "redis").index(name)
        _kill_group(self._children[number])
        for dump in self._var.rglob("*.rdb"):
            dump.unlink()
        time.sleep(AWAY_SECONDS)
        command = getattr(embedded, f"{name}_command")(self._var)
        self._children[number] = subprocess.Popen(
            command, cwd="/", stdin=subprocess.DEVNULL, start_new_session=True
        )
        embedded.wait_for(self._is_up[name], self._children[number], name)

    @property
    def _is_up(self) -> dict:
        return {
            "postgres": lambda: embedded.postgres_is_up(self._var),
            "redis": lambda: embedded.redis_answers(private.redis_url(self._var)),
        }


class Apns:
    """The sink, always on the same port."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port, self._folder, self._options = free_port(), folder, options
        self._process = self._start()

    def _start(self, *more: str) -> subprocess.Popen:
        program = (
            "import sys; from benchmarks.apns_sink import serve; serve(sys.argv[1:])"
        )
        command = [sys.executable, "-c", program, "--folder", str(self._folder)]
        command += ["--port", str(self.port), *self._options, *more]
        return subprocess.Popen(command, cwd=ROOT, start_new_session=True)

    def kill(self) -> None:
        """`kill -9`, away for a moment."""
        self.stop()
        time.sleep(AWAY_SECONDS)
        self._process = self._start()

    def restart(self, *options: str) -> None:
        """The same with other options."""
        self.stop()
        self._options = options
        self._process = self._start()

    def stop(self) -> None:
        _kill_group(self._process)


class Workers:
    """Celery workers of one queue."""

    def __init__(self, count: int, dice: random.Random, queue: str = "voip") -> None:
        self._dice, self._queue = dice, queue
        self._running = [self._start(number) for number in range(count)]

    def _start(self, number: int) -> subprocess.Popen:
        celery = [sys.executable, "-m", "celery", "-A", "pushdash", "worker"]
        name = f"{self._queue}{number}@bench"
        options = ["-Q", self._queue, "-c", "1", "-n", name]
        options += ["--loglevel=ERROR", "--without-gossip", "--without-mingle"]
        return subprocess.Popen(
            [*celery, *options],
            cwd=ROOT,
            env={**os.environ, "PUSHDASH_LOG_LEVEL": "ERROR"},
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill(self) -> None:
        """One of them, parent and child, as one: nothing can tidy up."""
        number = self._dice.randrange(len(self._running))
        _kill_group(self._running[number])
        self._running[number] = self._start(number)

    def revive(self) -> None:
        """Start again who ended by itself, as a supervisor does."""
        for number, worker in enumerate(self._running):
            if worker.poll() is not None:
                self._running[number] = self._start(number)

    def stop(self) -> None:
        for worker in self._running:
            _kill_group(worker)


def _kill_group(process: subprocess.Popen) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
