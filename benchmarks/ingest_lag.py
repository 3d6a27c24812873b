"""Live lag: from a line written to a followed log until its row can be seen in the database,
at 1,000 REGISTERs a second with a fleet present. Bar: 500 ms at the 95th percentile.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import threading
import time
from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from benchmarks import fleet_log
from benchmarks.private_services import ROOT, make_tables, run_alone

BAR_MS = 500
#: How often the database is asked; a lag is too long by up to that much.
ASK_SECONDS = 0.01
#: What is written before this is not measured: the follower starts.
WARM_SECONDS = 5
#: At the end what was written must come within this.
WAIT_SECONDS = 30


def main(arguments: list[str]) -> int:
    """1 when the bar was missed, or a REGISTER never came."""
    parser = argparse.ArgumentParser(prog="bin/bench ingest-lag", description=__doc__)
    parser.add_argument("--devices", type=int, default=1_000_000)
    parser.add_argument("--pace", type=int, default=1_000, help="REGISTERs a second")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if not given.inside:
        return run_alone("benchmarks.ingest_lag", arguments)
    make_tables()
    fleet_log.fill(os.environ["DATABASE_URL"], given.devices, datetime.now(UTC))
    with TemporaryDirectory(prefix="pushdash-logs-") as folder:
        result = measure(Path(folder) / "proxy.log", given)
    sys.stdout.write(json.dumps(result) + "\n")
    return 0 if result["ok"] else 1


def measure(path: Path, given: argparse.Namespace) -> dict:
    """Follow a log that grows, and tell the lags of all its REGISTERs."""
    path.touch()
    command = [sys.executable, "manage.py", "ingest", "--follow", str(path)]
    follower = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    asking = Asking(path.name)
    asking.start()
    try:
        written = write(path, given)
        asking.wait_for(len(written))
    finally:
        asking.is_over = True
        asking.join()
        follower.terminate()
        follower.wait()
    lags = asking.lags(written)[WARM_SECONDS * given.pace :]
    return row(lags, len(written), given)


def row(lags: list[float], written: int, given: argparse.Namespace) -> dict:
    """The result; lags in ms."""
    lags = sorted(lags)
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    at = {
        f"{name}_ms": round(lags[min(len(lags) - 1, int(share * len(lags)))])
        for name, share in shares.items()
    }
    return {
        "bench": "ingest_lag",
        "devices": given.devices,
        "registers": written,
        "registers_per_second": given.pace,
        "measured": len(lags),
        **at,
        "ok": at["p95_ms"] <= BAR_MS,
    }


def write(path: Path, given: argparse.Namespace) -> list[float]:
    """Write at an even pace, each REGISTER by itself; when each was written."""
    dice, written = random.Random(3), []
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=1)
    begun = time.monotonic()
    with path.open("ab", buffering=0) as log:
        for index in range((given.seconds + WARM_SECONDS) * given.pace):
            time.sleep(max(0.0, begun + index / given.pace - time.monotonic()))
            at_ms = (datetime.now(UTC) - start) // timedelta(milliseconds=1)
            number, call_id = dice.randrange(1, given.devices + 1), f"lag-{index}"
            text = fleet_log.exchange(
                number, start, at_ms, call_id, 21, 5060, status=200
            )
            log.write(text.encode())
            written.append(time.monotonic())
    return written


class Asking(threading.Thread):
    """Asks again and again how many REGISTERs are in the database."""

    def __init__(self, feed: str) -> None:
        super().__init__(daemon=True)
        self._feed, self.is_over = feed, False
        self._counts, self._times = [0], [0.0]

    def run(self) -> None:
        query = "SELECT register_count FROM registrations_feed WHERE name = %s"
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as session:
            while not self.is_over:
                found = session.execute(query, [self._feed]).fetchone()
                if found and found[0] > self._counts[-1]:
                    self._times.append(time.monotonic())
                    self._counts.append(found[0])
                time.sleep(ASK_SECONDS)

    def wait_for(self, count: int) -> None:
        """Until so many are there. Raises SystemExit when they do not come."""
        until = time.monotonic() + WAIT_SECONDS
        while self._counts[-1] < count:
            if time.monotonic() > until:
                raise SystemExit(f"{count - self._counts[-1]} REGISTERs never came")
            time.sleep(ASK_SECONDS)

    def lags(self, written: list[float]) -> list[float]:
        """Milliseconds from each writing until that many REGISTERs were there."""
        seen = (bisect_left(self._counts, index + 1) for index in range(len(written)))
        return [
            (self._times[index] - at) * 1000
            for index, at in zip(seen, written, strict=True)
        ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
