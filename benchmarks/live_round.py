"""What one round of the live page's hub takes of a core, and how much of it is news.

Sixty phones with strikes, a round each 250 ms of a clock that is passed in; nothing changes
but the time. CPU alone counts, so it can be compared on a machine where others work.
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
from benchmarks.private_services import make_tables, run_alone

PHONES, CALLS_EACH = 60, 3
ROUND = timedelta(seconds=0.25)
#: Templates are loaded and the first regions rendered by then.
RISE = 8
READER = "en UTC"


def main(arguments: list[str]) -> int:
    """Always 0: it has no bar of its own, `bin/bench sockets` has."""
    parser = argparse.ArgumentParser(prog="bin/bench live-round", description=__doc__)
    parser.add_argument("--rounds", type=int, default=120)
    parser.add_argument("--profile", action="store_true", help="where the time goes")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if not options.inside:
        return run_alone("benchmarks.live_round", arguments)
    django.setup()
    make_tables()
    now = datetime.now(UTC).replace(microsecond=0)
    furnish(now)
    reader = importlib.import_module("notifications.live").Reader()
    for number in range(RISE):
        reader.read(now + number * ROUND, [READER])
    started = time.process_time()
    news, boards = rounds(reader, now + RISE * ROUND, options.rounds)
    spent = time.process_time() - started
    row = {
        "bench": "live-round",
        "rounds": options.rounds,
        "cpu_ms_a_round": round(spent / options.rounds * 1000, 2),
        "news_kb_a_round": round(news / options.rounds / 1000, 1),
        "boards": boards,
    }
    sys.stdout.write(json.dumps(row) + "\n")
    if options.profile:
        later, profile = now + timedelta(hours=1), cProfile.Profile(time.process_time)
        profile.runcall(rounds, reader, later, options.rounds)
        profile.print_stats("cumtime")
    return 0


def furnish(now: datetime) -> None:
    """Phones whose calls of the last hour woke none."""
    rows = importlib.import_module("benchmarks.risk_history")
    handling = importlib.import_module("notifications.handling")
    fleet_log.fill(os.environ["DATABASE_URL"], PHONES, now - timedelta(hours=2))
    history = rows.History(PHONES, now)
    calls, lately = range(PHONES * CALLS_EACH), timedelta(minutes=58)
    history.ask("call", calls, now - timedelta(hours=1), lately / len(calls))
    handling.settle(now)
    rows.tidy()


def rounds(reader, start: datetime, count: int) -> tuple[int, int]:
    """Characters of the regions that changed, and how often the board did."""
    shown: dict[tuple[str, str], str] = {}
    news = boards = 0
    for number in range(count):
        regions = reader.read(start + number * ROUND, [READER])
        changed = [key for key in regions if shown.get(key) != regions[key]]
        news += sum(len(regions[key]) for key in changed)
        boards += (READER, "board") in changed
        shown = regions
    return news, boards


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
