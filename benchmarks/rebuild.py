"""`rebuild_risk` over a history of calls: pushes a second, and that nothing differs.

Bar: 20,000 pushes a second, 0 differences.
"""

from __future__ import annotations

import argparse
import cProfile
import importlib
import json
import os
import sys
import time
from datetime import UTC, datetime, timedelta

import django

from benchmarks import fleet_log
from benchmarks.cpu import Spent
from benchmarks.private_services import make_tables, run_alone
from notifications.crew import crew

BAR = 20_000
DAYS = 10


def main(arguments: list[str]) -> int:
    """1 when the bar was missed or anything came out different."""
    parser = argparse.ArgumentParser(prog="bin/bench rebuild", description=__doc__)
    parser.add_argument("--pushes", type=int, default=200_000)
    parser.add_argument("--devices", type=int, default=20_000)
    parser.add_argument("--profile", action="store_true", help="where the time goes")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    options = parser.parse_args(arguments)
    if not options.inside:
        return run_alone("benchmarks.rebuild", arguments)
    django.setup()
    make_tables()
    rows = importlib.import_module("benchmarks.risk_history")
    now = datetime.now(UTC).replace(microsecond=0)
    start = now - timedelta(days=DAYS)
    fleet_log.fill(os.environ["DATABASE_URL"], options.devices, start)
    history = rows.History(options.devices, now)
    numbers, step = range(options.pushes), timedelta(days=DAYS - 1) / options.pushes
    history.ask("call", numbers, start, step)
    history.show("call", numbers, start, step)
    rows.tidy()
    first, seconds_of_first = timed(lambda: anew(now, options.processes))
    rows.tidy()
    before = Spent.by(rows.backend())
    again, seconds = timed(lambda: anew(now, options.processes), options.profile)
    spent = Spent.by(rows.backend()).since(before)
    differences = len(again.judged) + len(again.ledgers) + again.sums
    row = {
        "bench": "rebuild",
        "pushes": options.pushes,
        "processes": options.processes,
        "first_seconds": round(seconds_of_first, 1),
        "verdicts": len(first.judged),
        "ledgers": len(first.ledgers),
        "seconds": round(seconds, 1),
        "pushes_per_second": round(options.pushes / seconds),
        "differences": differences,
        "bar": BAR,
    }
    if options.processes == 1:
        row["python_us"] = round(spent.python / options.pushes * 1e6, 1)
        row["postgres_us"] = round(spent.postgres / options.pushes * 1e6, 1)
    sys.stdout.write(json.dumps(row) + "\n")
    return 0 if not differences and row["pushes_per_second"] >= BAR else 1


def anew(now: datetime, processes: int):
    """What came out different; the start of the processes counts."""
    handling = importlib.import_module("notifications.handling")
    if processes == 1:
        return handling.rebuild(now)
    with crew(processes) as pool:
        return handling.rebuild_by(pool.imap, now)


def timed(act, profiled: bool = False):
    """What it gives, and the seconds it took."""
    profile = cProfile.Profile(time.process_time) if profiled else None
    started = time.monotonic()
    found = profile.runcall(act) if profile else act()
    seconds = time.monotonic() - started
    if profile:
        profile.print_stats("tottime")
    return found, seconds


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
