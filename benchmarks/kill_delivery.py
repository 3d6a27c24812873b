"""kill -9 while VoIP pushes are on the wire, or an APNs in trouble: asked, received, recorded.

Real Celery workers, PostgreSQL, Redis and the simulated APNs over TLS, each of which can be
the victim. Bars: every push in a final state, none handed to its phone twice, none accepted
that was not, none handed over that is not told, and every `unknown` one really on the wire.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from pathlib import Path

import django

from benchmarks import apns_sink
from benchmarks.delivery_stage import Apns, Services, Workers
from benchmarks.private_services import make_tables, run_unserved
from benchmarks.wire import carried_to
from simulator.tls import make_identity

PATIENCE_SECONDS = 600
VICTIMS = ("worker", "redis", "postgres", "apns")
#: The clock of APNs: `expired` finds our token, half an hour old, past its hour; `clock` is
#: two hours wrong until a part of the pushes has met it.
TROUBLES = (*apns_sink.TROUBLES, "expired", "clock")
EXPIRED, WRONG = ("--clock-ahead", "2100", "--strict"), ("--clock-ahead", "7200")


def main(arguments: list[str]) -> int:
    """1 when a bar was missed."""
    parser = argparse.ArgumentParser(
        prog="bin/bench kill-delivery", description=__doc__
    )
    parser.add_argument("--pushes", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--victim", choices=VICTIMS, default="worker")
    parser.add_argument("--trouble", choices=TROUBLES, default="none")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--answer-ms", type=int, default=40, help="APNs answers after so long"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if not given.inside:
        return run_unserved("benchmarks.kill_delivery", arguments)
    with tempfile.TemporaryDirectory(prefix="pushdash-bench-") as folder:
        row = measure(Path(folder), given)
    sys.stdout.write(json.dumps(row) + "\n")
    return 0 if row["ok"] else 1


def measure(folder: Path, given: argparse.Namespace) -> dict:
    """Ask, kill, wait for the end, compare."""
    services = Services(Path(os.environ["PUSHDASH_VAR"]))
    services.start()
    try:
        django.setup()
        make_tables()
        return _measure(folder, given, services)
    finally:
        services.stop()


def _measure(folder: Path, given: argparse.Namespace, services: Services) -> dict:
    rows = import_module("benchmarks.delivery_rows")  # needs Django set up
    identity = make_identity(folder / "apns")
    apns = Apns(folder, *_options(given))
    with _way_to(apns.port, given.victim) as port:
        rows.ask(identity, port, given.pushes)
        if given.trouble == "expired":
            rows.age_token(identity, minutes=30)
        workers = Workers(given.workers, random.Random(given.seed))
        started = time.monotonic()
        run = Run(given, rows, services, apns, workers)
        try:
            run.to_the_end()
        finally:
            workers.stop()
            apns.stop()
        seconds = time.monotonic() - started
    found = rows.compare(*apns_sink.read(folder / "seen"))
    told = {"victim": given.victim, "trouble": given.trouble, "kills": run.kills}
    row = {"bench": "kill-delivery", **told, "seconds": round(seconds, 1), **found}
    bars = bars_of(given.victim, given.trouble)
    return {**row, "ok": not any(found[name] for name in bars)}


def _way_to(port: int, victim: str) -> AbstractContextManager[int]:
    """What a killed worker had handed to the network has left: it must arrive."""
    return carried_to(port) if victim == "worker" else nullcontext(port)


def bars_of(victim: str, trouble: str) -> tuple[str, ...]:
    """What must be 0. An APNs that is killed or cuts a connection takes with it what stood
    unread in its socket: that had left and is `unknown`, though nobody received it.
    """
    bars = ("under_way", "twice", "accepted_undelivered", "delivered_untold")
    leaves_unread = victim == "apns" or trouble == "reset"
    return bars if leaves_unread else (*bars, "unknown_unreceived")


def _options(given: argparse.Namespace) -> list[str]:
    more = {"expired": EXPIRED, "clock": WRONG}.get(given.trouble)
    trouble = ("--trouble", given.trouble) if more is None else more
    return ["--answer-ms", str(given.answer_ms), *trouble]


class Run:
    """Wakes as beat would, and kills, evenly spread over the pushes."""

    def __init__(self, given, rows, services, apns, workers) -> None:
        self._given, self._rows, self._dice = given, rows, random.Random(given.seed)
        self._apns, self._workers = apns, workers
        self._strike = {
            "worker": workers.kill,
            "redis": lambda: services.kill("redis"),
            "postgres": lambda: services.kill("postgres"),
            "apns": apns.kill,
        }[given.victim]
        self._is_clock_wrong = given.trouble == "clock"
        self.kills = 0

    def to_the_end(self) -> None:
        """Until no push is under way."""
        until = time.monotonic() + PATIENCE_SECONDS
        while self._rows.under_way() and time.monotonic() < until:
            self._rows.wake()
            self._workers.revive()
            time.sleep(0.1 * self._dice.uniform(0.5, 1.5))
            claimed = self._given.pushes - self._rows.queued()
            if self._is_clock_wrong and self._rows.is_paused():
                self._mend_the_clock()
            is_due = claimed > self._given.pushes * self.kills / max(
                1, self._given.kills
            )
            if self.kills < self._given.kills and is_due:
                self._strike()
                self.kills += 1

    def _mend_the_clock(self) -> None:
        """The breaker has seen it; an operator mends it and lets the key be tried."""
        self._is_clock_wrong = False
        self._apns.restart("--answer-ms", str(self._given.answer_ms))
        self._rows.end_pause()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
