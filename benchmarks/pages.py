"""Every list and detail page of a large house at 20 requests a second, filters at random.

Through the real ASGI server. A request's time runs from the moment it was due to the last
byte. Then each page is asked for in this process, to see its queries, and Chromium opens the
pages on localhost. Bars: p95 ≤ 150 ms, p99 ≤ 400 ms, first paint ≤ 600 ms, 250 KB gzip first
and 30 KB after. `--folder` keeps the house for the next run, at the hour it was made. `--cpu`
asks for each page so many times instead, and prints what it took of a core: on a machine that
others use as well, that can be compared.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import sys
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import django

from benchmarks.browsing import Reader, first_paint, weights
from benchmarks.gateway import serving
from benchmarks.house_hour import set_back
from benchmarks.page_addresses import addresses_of
from benchmarks.page_cpu import cpu_by_page
from benchmarks.page_queries import queries_of
from benchmarks.page_rows import Size, days_before, fill
from benchmarks.private_services import make_tables, run_alone, run_in
from benchmarks.quantiles import quantile
from pushdash.planning import plan_for_pages

BARS = {
    "p95_ms": 150,
    "p99_ms": 400,
    "queries": 12,
    "first_kb": 250,
    "after_kb": 30,
    "paint_ms": 600,
}
THREADS = 16
PASSWORD = "correct horse battery"
#: PostgreSQL starts with nothing in memory: a server in use has.
WARM_SECONDS = 60


def main(arguments: list[str]) -> int:
    """Prints a line a page, then the whole; 1 when a bar was missed."""
    parser = argparse.ArgumentParser(prog="bin/bench pages", description=__doc__)
    parser.add_argument("--devices", type=int, default=1_000_000)
    parser.add_argument("--pushes", type=int, default=5_000_000)
    parser.add_argument("--registrations", type=int, default=20_000_000)
    parser.add_argument("--pace", type=int, default=20, help="requests a second")
    parser.add_argument("--seconds", type=int, default=180)
    parser.add_argument("--cpu", type=int, help="requests a page, one at a time")
    parser.add_argument("--page", default="", help="only this one")
    parser.add_argument(
        "--looks", type=int, default=20, help="addresses a page to see queries of"
    )
    parser.add_argument("--folder", type=Path, help="of the house; kept after the run")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if not given.inside:
        if given.folder is None:
            return run_alone("benchmarks.pages", arguments)
        return run_in(given.folder, "benchmarks.pages", arguments)
    django.setup()
    plan_for_pages()
    _furnish(given)
    return _measure(given)


def _furnish(given: argparse.Namespace) -> None:
    """The rows, unless the folder has them."""
    make_tables()
    if _is_furnished():
        return
    now = datetime.now(UTC)
    importlib.import_module("registrations.partitions").ensure(
        day.date() for day in days_before(now)
    )
    size = Size(given.devices, given.pushes, given.registrations)
    fill(os.environ["DATABASE_URL"], size, now)
    importlib.import_module("notifications.sums").recount()
    models = importlib.import_module("django.contrib.auth.models")
    user = models.User.objects.create_user("ada", password=PASSWORD)
    user.groups.add(models.Group.objects.get(name="admin"))


def _is_furnished() -> bool:
    models = importlib.import_module("django.contrib.auth.models")
    return models.User.objects.filter(username="ada").exists()


def _measure(given: argparse.Namespace) -> int:
    set_back()
    with serving("--factory", "benchmarks.house_hour:served") as (port, pid):
        reader = Reader(f"http://127.0.0.1:{port}", "ada", PASSWORD)
        pages = addresses_of(os.environ["DATABASE_URL"])
        if given.page:
            pages = {given.page: pages[given.page]}
        if given.cpu:
            return _measure_cpu(reader, pages, pid, given.cpu)
        load(reader, pages, given.pace, min(WARM_SECONDS, given.seconds))
        times = load(reader, pages, given.pace, given.seconds)
        rows = [
            _row(name, times[name], pages[name], given.looks)
            for name in pages
            if times[name]
        ]
        for row in rows:
            _say(row)
        # A search leads to one of the other pages.
        some = {name: _one(make) for name, make in pages.items() if name != "search"}
        first, after = weights(reader, some)
        paint = first_paint(reader, some)
    whole = {
        "bench": "pages",
        "requests": sum(map(len, times.values())),
        "pace": given.pace,
        "slowest_p95_ms": max(row["p95_ms"] for row in rows),
        "slowest_p99_ms": max(row["p99_ms"] for row in rows),
        "most_queries": max(row["queries"] for row in rows),
        "first_kb": first,
        "after_kb": after,
        "paint_ms": paint,
        "bars": BARS,
        "load": round(os.getloadavg()[0], 1),
    }
    _say(whole)
    return 0 if is_within(whole) else 1


def _measure_cpu(reader: Reader, pages: dict, server: int, number: int) -> int:
    spent = cpu_by_page(reader, pages, server, number)
    for name, (web, postgres) in spent.items():
        _say({"bench": "pages", "page": name, "web_ms": web, "postgres_ms": postgres})
    web, postgres = (
        round(sum(each) / len(spent), 1) for each in zip(*spent.values(), strict=True)
    )
    load = round(os.getloadavg()[0], 1)
    _say({"bench": "pages", "web_ms": web, "postgres_ms": postgres, "load": load})
    return 0


def is_within(whole: dict) -> bool:
    """Every bar is met."""
    return (
        whole["slowest_p95_ms"] <= BARS["p95_ms"]
        and whole["slowest_p99_ms"] <= BARS["p99_ms"]
        and whole["most_queries"] <= BARS["queries"]
        and whole["first_kb"] <= BARS["first_kb"]
        and max(whole["after_kb"].values()) <= BARS["after_kb"]
        and max(whole["paint_ms"].values()) <= BARS["paint_ms"]
    )


def load(
    reader: Reader, pages: dict, pace: int, seconds: int
) -> dict[str, list[float]]:
    """page → milliseconds of each request, in order of size, at an even pace."""
    dice = random.Random(7)
    found = defaultdict(list)
    with ThreadPoolExecutor(THREADS) as pool:
        begin = time.perf_counter() + 0.1
        asked = []
        for index in range(pace * seconds):
            name = list(pages)[index % len(pages)]
            due = begin + index / pace
            time.sleep(max(0.0, due - time.perf_counter()))
            asked.append((name, pool.submit(_timed, reader, pages[name](dice), due)))
        for name, one in asked:
            found[name].append(one.result())
    return defaultdict(list, {name: sorted(times) for name, times in found.items()})


def _timed(reader: Reader, address: str, due: float) -> float:
    reader.read(address)
    return (time.perf_counter() - due) * 1000


def _row(name: str, times: list[float], make, looks: int) -> dict:
    """What one page took, and what it asks the database."""
    seen = [queries_of(make(random.Random(seed))) for seed in range(looks)]
    slow = sorted((query for one in seen for query in one.slow), reverse=True)
    return {
        "bench": "pages",
        "page": name,
        "requests": len(times),
        "p50_ms": round(quantile(times, 0.5), 1),
        "p95_ms": round(quantile(times, 0.95), 1),
        "p99_ms": round(quantile(times, 0.99), 1),
        "queries": max(one.number for one in seen),
        "slow_queries": [[ms, address, sql] for ms, address, sql in slow[:3]],
    }


def _one(make) -> str:
    return make(random.Random(1))


def _say(row: dict) -> None:
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
