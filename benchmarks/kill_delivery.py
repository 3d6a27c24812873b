"""kill -9 of VoIP workers with pushes on the wire: what was asked, received and recorded.

Real Celery workers, real PostgreSQL and Redis, the simulated APNs over TLS. Bars: every push
in a final state, none received twice, none accepted that was not received, and every
`unknown` one really on the wire.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from importlib import import_module
from pathlib import Path

import django
from django.core.management import call_command

from benchmarks.private_services import ROOT, run_alone
from simulator.apns import ApnsServer
from simulator.directory import Delivery, Entry
from simulator.faults import Fault
from simulator.tls import make_identity

PATIENCE_SECONDS = 600


def main(arguments: list[str]) -> int:
    """1 when a bar was missed."""
    parser = argparse.ArgumentParser(
        prog="bin/bench kill-delivery", description=__doc__
    )
    parser.add_argument("--pushes", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--answer-ms", type=int, default=40, help="APNs answers after so long"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if not given.inside:
        return run_alone("benchmarks.kill_delivery", arguments)
    django.setup()
    call_command("migrate", verbosity=0)
    with tempfile.TemporaryDirectory(prefix="pushdash-bench-") as folder:
        row = measure(Path(folder), given)
    sys.stdout.write(json.dumps(row) + "\n")
    return 0 if row["ok"] else 1


def measure(folder: Path, given: argparse.Namespace) -> dict:
    """Ask, kill, wait for the end, compare."""
    rows = import_module("benchmarks.delivery_rows")  # needs Django set up
    identity = make_identity(folder / "apns")
    server, stop = serving(identity, given.answer_ms / 1000)
    rows.ask(identity, server.port, given.pushes)
    workers = Workers(given.workers, random.Random(given.seed), rows)
    started = time.monotonic()
    try:
        workers.run(given.kills, given.pushes)
    finally:
        workers.stop()
        stop()
    seconds = time.monotonic() - started
    found = rows.compare(server.received)
    figures = {"kills": workers.kills, "seconds": round(seconds, 1)}
    return {"bench": "kill-delivery", **figures, **found}


class AnyToken:
    """A directory that knows every token."""

    def find(self, token: str) -> Entry:
        return Entry(
            environment="production", bundle_id="org.example.bench", kind="voip"
        )

    def deliver(self, delivery: Delivery) -> None:
        return


def serving(identity, seconds: float):
    """The simulated APNs on a thread of its own, and what stops it."""
    server, loop = ApnsServer(AnyToken(), identity), asyncio.new_event_loop()
    server.faults.add(Fault("delay", times=10**9, seconds=seconds))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(10)

    def stop() -> None:
        asyncio.run_coroutine_threadsafe(server.close(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)

    return server, stop


class Workers:
    """Celery workers of the VoIP queue, woken as beat would, killed as nobody should."""

    def __init__(self, count: int, dice: random.Random, rows) -> None:
        self._dice, self._rows, self.kills = dice, rows, 0
        self._running = [self._start(number) for number in range(count)]

    def _start(self, number: int) -> subprocess.Popen:
        celery = [sys.executable, "-m", "celery", "-A", "pushdash", "worker"]
        options = ["-Q", "voip", "-c", "1", "-n", f"voip{number}@bench"]
        options += ["--loglevel=ERROR", "--without-gossip", "--without-mingle"]
        return subprocess.Popen(
            [*celery, *options],
            cwd=ROOT,
            env={**os.environ, "PUSHDASH_LOG_LEVEL": "ERROR"},
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def run(self, kills: int, pushes: int) -> None:
        """Wake and kill, evenly spread over the pushes, until none is under way."""
        until = time.monotonic() + PATIENCE_SECONDS
        while self._rows.under_way() and time.monotonic() < until:
            self._rows.wake()
            time.sleep(0.1 * self._dice.uniform(0.5, 1.5))
            claimed = pushes - self._rows.queued()
            if self.kills < kills and claimed > pushes * self.kills / kills:
                self._kill(self._dice.randrange(len(self._running)))

    def _kill(self, number: int) -> None:
        """The whole worker, parent and child, as one: nothing can tidy up."""
        killed = self._running[number]
        os.killpg(killed.pid, signal.SIGKILL)
        killed.wait()
        self.kills += 1
        self._running[number] = self._start(number)

    def stop(self) -> None:
        for worker in self._running:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
