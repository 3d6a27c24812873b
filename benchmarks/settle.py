"""One round of `settle` each second: 200 new calls a second, with and without a long history.

Simulated seconds: each inserts its calls, and two seconds later the registrations of nine in
ten phones, as `ingest` would with the reading that tells of them; then one round is timed.
Bars: p95 at most 200 ms with 2 M pushes behind it, and about what it is with none.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import django

from benchmarks import fleet_log
from benchmarks.cpu import Spent
from benchmarks.private_services import make_tables, run_alone
from benchmarks.quantiles import quantile

BAR_MS = 200
#: Windows, grace and readings of a call are over by then: the load stands.
RISE_SECONDS = 45
HISTORY_DAYS = 30


def main(arguments: list[str]) -> int:
    """1 when the bar was missed."""
    parser = argparse.ArgumentParser(prog="bin/bench settle", description=__doc__)
    parser.add_argument("--devices", type=int, default=1_000_000)
    parser.add_argument("--pushes", type=int, default=2_000_000, help="in history")
    parser.add_argument("--rate", type=int, default=200, help="calls a second")
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if not options.inside:
        return run_alone("benchmarks.settle", arguments)
    django.setup()
    make_tables()
    rows = importlib.import_module("benchmarks.risk_history")
    start = datetime.now(UTC).replace(microsecond=0)
    fleet_log.fill(os.environ["DATABASE_URL"], options.devices, start - timedelta(40))
    history = rows.History(options.devices, start)
    rows.tidy()
    young = rounds(history, "young", start, options)
    _grow(history, start, options.pushes)
    rows.tidy()
    old = rounds(history, "old", start + timedelta(hours=1), options)
    row = {
        "bench": "settle",
        "devices": options.devices,
        "history": options.pushes,
        "calls_a_second": options.rate,
        "p50_ms": round(quantile(old.walls, 0.5), 1),
        "p95_ms": round(quantile(old.walls, 0.95), 1),
        "python_ms": round(old.spent.python / len(old.walls) * 1000, 1),
        "postgres_ms": round(old.spent.postgres / len(old.walls) * 1000, 1),
        "p95_ms_without_history": round(quantile(young.walls, 0.95), 1),
        "times": round(quantile(old.walls, 0.95) / quantile(young.walls, 0.95), 2),
        "bar_ms": BAR_MS,
    }
    sys.stdout.write(json.dumps(row) + "\n")
    return 0 if row["p95_ms"] <= BAR_MS else 1


def _grow(history, start: datetime, pushes: int) -> None:
    """The history: calls of the last weeks, with their registrations."""
    began = start - timedelta(days=HISTORY_DAYS)
    step = timedelta(days=HISTORY_DAYS - 1) / pushes
    history.ask("history", range(pushes), began, step)
    history.show("history", range(pushes), began, step)
    history.conclude()


@dataclass(slots=True)
class Rounds:
    """Milliseconds of each round once the load stands, and what they took of a core."""

    walls: list[float]
    spent: Spent


def rounds(history, name: str, start: datetime, options) -> Rounds:
    """So many seconds of the load."""
    handling = importlib.import_module("notifications.handling")
    rows = importlib.import_module("benchmarks.risk_history")
    second, step = timedelta(seconds=1), timedelta(seconds=1) / options.rate
    rise = min(RISE_SECONDS, options.seconds // 2)
    walls, spent = [], Spent(0, 0)
    for number in range(options.seconds):
        now = start + number * second
        asked = range((number - 1) * options.rate, number * options.rate)
        if number:
            history.ask(name, asked, start, step)
        shown = range(asked.start - 2 * options.rate, asked.stop - 2 * options.rate)
        if shown.start >= 0:
            history.show(name, shown, start, step)
            history.tell(shown, now)
        if number == rise:
            rows.tidy()
        before, began = Spent.by(rows.backend()), time.perf_counter()
        handling.settle(now)
        if number >= rise:
            walls.append((time.perf_counter() - began) * 1000)
            spent = spent.plus(Spent.by(rows.backend()).since(before))
    return Rounds(walls, spent)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
