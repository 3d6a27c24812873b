"""Starts processes in order, restarts what dies, stops all in reverse. Knows none of them.

Every child dies with the supervisor (PR_SET_PDEATHSIG), `kill -9` included.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pushdash import embedded
from pushdash.processes import Process

STOP_SECONDS = 15
#: A child that lived this long starts again at once; one that did not waits.
STEADY_SECONDS = 10
LONGEST_WAIT_SECONDS = 8
LONGEST_LOG_BYTES = 10_000_000


@dataclass(slots=True)
class Child:
    """A running process, when it started, and how often it failed in a row."""

    process: Process
    handle: subprocess.Popen
    started: float
    failures: int = 0
    due: float | None = None


class Supervisor:
    """`say` prints one line for the person at the terminal."""

    def __init__(self, base: Path, logs: Path, say: Callable[[str], None]) -> None:
        self._base, self._logs, self._say = base, logs, say
        self.children: list[Child] = []
        self._is_stopping = False

    def start(self, process: Process) -> Child:
        """Start one process; its output goes to a log of its own."""
        child = Child(process, self._spawn(process), time.monotonic())
        self.children.append(child)
        return child

    def ask_to_stop(self, *_) -> None:
        """As a signal handler: `watch` returns."""
        self._is_stopping = True

    def watch(self) -> None:
        """Restart what dies until asked to stop."""
        while not self._is_stopping:
            for child in self.children:
                self._look_after(child)
            time.sleep(0.2)

    def stop(self) -> None:
        """End every child, what others rest on at the end; what does not listen is killed."""
        for last in (False, True):
            wave = [one for one in self.children if one.process.stops_last is last]
            for child in reversed(wave):
                if child.handle.poll() is None:
                    child.handle.send_signal(_signal(child.process))
            until = time.monotonic() + STOP_SECONDS
            for child in wave:
                self._await(child, until)
        self.children.clear()

    def _look_after(self, child: Child) -> None:
        now = time.monotonic()
        if child.due is None and child.handle.poll() is not None:
            is_steady = now - child.started > STEADY_SECONDS
            child.failures = 0 if is_steady else child.failures + 1
            wait = min(2**child.failures / 4, LONGEST_WAIT_SECONDS)
            child.due = now + (0 if child.failures == 0 else wait)
            self._say(self._obituary(child))
        if child.due is not None and now >= child.due:
            child.handle, child.started = self._spawn(child.process), now
            child.due = None

    def _obituary(self, child: Child) -> str:
        name, code = child.process.name, child.handle.returncode
        ended = f"signal {-code}" if code < 0 else f"status {code}"
        line = f"{name} ended ({ended}), starting it again"
        if child.failures > 2:
            line += (
                f". It keeps failing, see {self._log(name)}: {self._last_line(name)}"
            )
        return line

    def _last_line(self, name: str) -> str:
        lines = self._log(name).read_text(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else "(nothing)"

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def _spawn(self, process: Process) -> subprocess.Popen:
        place = self._log(process.name)
        if place.exists() and place.stat().st_size > LONGEST_LOG_BYTES:
            place.replace(place.with_suffix(".log.1"))
        with place.open("ab") as log:
            return subprocess.Popen(
                process.command,
                cwd=process.cwd or self._base,
                env={**os.environ, **process.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=lambda: embedded.die_with_parent(_orphan_signal(process)),
            )

    def _await(self, child: Child, until: float) -> None:
        try:
            child.handle.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(child.handle.pid, signal.SIGKILL)
            child.handle.wait()


def _signal(process: Process) -> signal.Signals:
    return signal.Signals[f"SIG{process.stop}"]


def _orphan_signal(process: Process) -> signal.Signals:
    """A database is let down gently; Celery's pool must not outlive its master."""
    return signal.SIGINT if process.stop == "INT" else signal.SIGTERM
