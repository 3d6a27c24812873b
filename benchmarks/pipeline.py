"""From a stored push to its recorded attempt: pushes a second, and how long a call waits.

nginx as APNs, real Celery workers, PostgreSQL and Redis. Bars: two workers at least as fast as
stock aioapns alone beside it; with 50 ms to APNs 2,500/s a worker; a VoIP push leaves within
50 ms (99th percentile) and within 150 ms while 50,000 alerts go out.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

import django

from benchmarks.client import in_process, sink
from benchmarks.delay_proxy import far
from benchmarks.delivery_stage import Workers
from benchmarks.private_services import make_tables, run_alone
from simulator.tls import make_identity

IDLE_MS, BUSY_MS = 50, 150
#: Between two calls, in seconds.
CALL_EVERY = 0.05
#: Calls between two wake-ups of the bulk.
WAKE_EVERY = 20


def main(arguments: list[str]) -> int:
    """1 when a bar was missed, 2 without nginx."""
    parser = argparse.ArgumentParser(prog="bin/bench pipeline", description=__doc__)
    parser.add_argument("--pushes", type=int, default=20_000)
    parser.add_argument("--bulk", type=int, default=50_000)
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--delay-ms", type=float, default=0, help="round trip to APNs")
    parser.add_argument("--at-once", type=int, default=100, help="of stock aioapns")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if shutil.which("nginx") is None:
        sys.stderr.write("nginx is needed: apt-get install nginx\n")
        return 2
    if not given.inside:
        return run_alone("benchmarks.pipeline", arguments)
    django.setup()
    make_tables()
    with (
        tempfile.TemporaryDirectory(prefix="pushdash-bench-") as folder,
        sink(Path(folder)) as near,
        far(near, given.delay_ms) as port,
    ):
        return 0 if measure(Path(folder), port, given) else 1


def measure(folder: Path, port: int, given: argparse.Namespace) -> bool:
    """Print a line a figure; True when every bar is met."""
    rows = import_module("benchmarks.delivery_rows")  # needs Django set up
    stage = rows.Stage(make_identity(folder / "apns"), port)
    stock = in_process("aioapns", folder, port, given)["per_second"]
    ours = throughput(stage, given)
    least = 2500 * given.workers if given.delay_ms else stock
    found = [
        tell("throughput", per_second=ours, aioapns=round(stock), ok=ours >= least)
    ]
    bulk = Workers(1, random.Random(1), "bulk")
    calls = Workers(1, random.Random(1), "voip")
    try:
        found.append(tell_calls("idle", stage, given, IDLE_MS))
        stage.ask(given.bulk, "alert")
        found.append(tell_calls("busy", stage, given, BUSY_MS))
    finally:
        bulk.stop()
        calls.stop()
    return all(found)


def tell(name: str, *, ok: bool, **figures: object) -> bool:
    """One JSON line."""
    row = {"bench": "pipeline", "figure": name, **figures, "ok": ok}
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()
    return ok


def throughput(stage, given: argparse.Namespace) -> int:
    """Pushes recorded a second, by workers that have sent before."""
    workers = Workers(given.workers, random.Random(1), "voip")
    try:
        stage.ask(given.workers * 10, "voip")
        stage.until_done("voip")
        stage.ask(given.pushes, "voip")
        started = time.monotonic()
        stage.until_done("voip")
        return round(given.pushes / (time.monotonic() - started))
    finally:
        workers.stop()


def tell_calls(name: str, stage, given: argparse.Namespace, bar_ms: int) -> bool:
    """How long VoIP pushes wait from their row to the wire, one each CALL_EVERY."""
    stage.call()
    stage.until_done("voip")
    calls = []
    for number in range(given.calls):
        if number % WAKE_EVERY == 0:
            stage.wake("alert")  # as beat does each second
        calls.append(stage.call())
        time.sleep(CALL_EVERY)
    left = stage.waiting("alert")
    stage.until_done("voip")
    waits = sorted(stage.waits_ms(calls))
    p99 = waits[int(len(waits) * 0.99)]
    figures = {"p50_ms": round(waits[len(waits) // 2], 1), "p99_ms": round(p99, 1)}
    return tell(name, calls=len(waits), **figures, alerts_left=left, ok=p99 <= bar_ms)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
