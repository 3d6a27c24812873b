"""P4 on the pure rules: 10,000 random histories, each in many orders of arrival.

All orders of up to 5 facts, 50 random orders of more, each cut into random batches.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import sys
import time
from collections.abc import Iterator, Sequence

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.notifications.histories import Fact, as_it_comes, at_once, facts, told

MOST_PERMUTED = 5
RANDOM_ORDERS = 50


def arrivals(known: Sequence[Fact], dice: random.Random) -> Iterator[list[list[Fact]]]:
    """Orders of arrival, each cut into batches."""
    if len(known) <= MOST_PERMUTED:
        orders = itertools.permutations(known)
    else:
        orders = (dice.sample(known, len(known)) for _ in range(RANDOM_ORDERS))
    for order in orders:
        yield batches(list(order), dice)


def batches(order: list[Fact], dice: random.Random) -> list[list[Fact]]:
    """The same facts in one to four pieces."""
    cuts = sorted(dice.randint(0, len(order)) for _ in range(dice.randint(0, 3)))
    bounds = [0, *cuts, len(order)]
    return [order[start:end] for start, end in itertools.pairwise(bounds)]


def looking(examples: int) -> settings:
    """So many random histories, the failing one told as it came: shrinking takes minutes."""
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def main(arguments: list[str]) -> int:
    """Prints one line; raises at the first history whose order matters."""
    parser = argparse.ArgumentParser(prog="bin/bench risk-orders", description=__doc__)
    parser.add_argument("--histories", type=int, default=10_000)
    wanted = parser.parse_args(arguments).histories
    counts = {"histories": 0, "orders": 0, "strikes": 0, "suspected": 0}

    @looking(wanted)
    @given(st.lists(facts(), min_size=1, max_size=20), st.integers())
    def check(known: list[Fact], seed: int) -> None:
        expected = at_once(known)
        for pieces in arrivals(known, random.Random(seed)):
            assert told(as_it_comes(pieces)) == told(expected), (known, pieces)
            counts["orders"] += 1
        counts["histories"] += 1
        counts["strikes"] += len(expected.risk.run)
        counts["suspected"] += expected.risk.state == "suspected"

    started = time.monotonic()
    check()
    seconds = round(time.monotonic() - started, 1)
    row = {"bench": "risk-orders", **counts, "seconds": seconds}
    sys.stdout.write(json.dumps(row) + "\n")
    return 0
