"""Suspected phones against the truth of a simulated fleet with every disturbance, by seed.

Simulated time: proxies write logs, APNs answers, and the product reads and settles by the
clock it is given. It never sees the truth.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import django

from benchmarks.private_services import make_tables, run_alone
from simulator.phone import IosRule
from simulator.population import LINPHONE

START = datetime(2026, 11, 20, tzinfo=UTC)
STEP = timedelta(seconds=60)
HOUR_MS = 3_600_000


def main(arguments: list[str]) -> int:
    """One line a seed; 1 when a bar is not met."""
    parser = argparse.ArgumentParser(prog="bin/bench risk", description=__doc__)
    ask_for_worlds(parser)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if not given.inside:
        codes = [
            run_alone("benchmarks.risk", [*arguments, "--seeds", str(seed)])
            for seed in given.seeds
        ]
        return max(codes)
    django.setup()
    make_tables()
    row = rehearse(given, given.seeds[0])
    sys.stdout.write(json.dumps(row) + "\n")
    return 0 if row["ok"] else 1


def ask_for_worlds(parser: argparse.ArgumentParser) -> None:
    """The options that say which worlds are played."""
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--phones", type=int, default=2000)
    parser.add_argument("--days", type=float, default=2.0)
    parser.add_argument("--threshold", type=int, default=3, help="iOS's, and ours")
    parser.add_argument(
        "--release-hours", type=float, default=24, help="iOS's; 0: never"
    )


def rehearse(given: argparse.Namespace, seed: int) -> dict:
    """One seed: the row to print."""
    # The models can be loaded only now.
    world = importlib.import_module("benchmarks.risk_world")
    scoring = importlib.import_module("benchmarks.risk_score")
    product = importlib.import_module("benchmarks.risk_product").Product(
        LINPHONE, threshold=given.threshold
    )
    rule = IosRule(
        threshold=given.threshold, release_ms=int(given.release_hours * HOUR_MS)
    )
    end = START + timedelta(days=given.days)
    began = time.monotonic()
    with TemporaryDirectory(prefix="pushdash-risk-") as folder:
        proxies = [
            world.Proxy(
                manner,
                Path(folder),
                seed=seed,
                phones=given.phones // len(world.MANNERS),
                start=START,
                end=end,
                rule=rule,
            )
            for manner in world.MANNERS
        ]
        live(proxies, product, end)
    truths = {name: one for proxy in proxies for name, one in proxy.truth.items()}
    owners = {token: name for proxy in proxies for token, name in proxy.owners.items()}
    device_days = len(truths) * given.days
    found = scoring.score(truths, product.moves, owners, device_days)
    row = told(given, seed, found, time.monotonic() - began)
    return row | product.verdicts()


def live(proxies, product, end: datetime) -> None:
    """Step by step: the world lives, logs are read, pushes are told of, calls settled."""
    now = START
    while now < end:
        now += STEP
        product.now = now
        for proxy in proxies:
            proxy.live(now, product.knows, product.note)
            if proxy.is_down(now):
                product.stop(proxy.manner.name)
            else:
                product.read(proxy.manner.name, str(proxy.log))
        product.settle()


def told(given: argparse.Namespace, seed: int, found, seconds: float) -> dict:
    """The score as a row, with what the bars say of it."""
    ok = (
        found.precision >= 0.97
        and found.recall >= 0.95
        and found.blamed_on_feeds == 0
        # A push that nothing was seen before can show no block, whoever looks.
        and found.pushes_that_show <= 1
    )
    return {
        "bench": "risk",
        "seed": seed,
        "phones": given.phones,
        "days": given.days,
        "threshold": given.threshold,
        "release_hours": given.release_hours,
        "blocks": found.blocks,
        "seeable": found.seeable,
        "seeable_found": found.seeable_found,
        "recall": round(found.recall, 4),
        "suspected": found.suspected,
        "suspected_right": found.suspected_right,
        "precision": round(found.precision, 4),
        "blamed_on_feeds": found.blamed_on_feeds,
        "pushes_to_detect": found.pushes_to_detect,
        "pushes_that_show": found.pushes_that_show,
        "pushes_once_visible": found.pushes_once_visible,
        "pushes_until_visible": found.pushes_until_visible,
        "pushes_between": found.pushes_between,
        "pushes_that_cannot_show": found.pushes_that_cannot_show,
        "false_per_1000_device_days": round(found.false_per_1000_device_days, 2),
        "wrong": found.wrong,
        "missed": found.missed,
        "seconds": round(seconds),
        "ok": ok,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
