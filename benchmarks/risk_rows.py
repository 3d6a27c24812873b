"""P4 through PostgreSQL: random histories settled in random orders and batches, one feed or
the other behind, equal to `rebuild_risk` and to the pure rules.
"""

from __future__ import annotations

import argparse
import importlib
import json
import random
import sys
import time

import django
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.private_services import make_tables, run_alone
from benchmarks.risk_orders import batches, looking
from tests.notifications.histories import facts


def main(arguments: list[str]) -> int:
    """Prints one line; raises at the first history that differs."""
    parser = argparse.ArgumentParser(prog="bin/bench risk-rows", description=__doc__)
    parser.add_argument("--histories", type=int, default=200)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if not options.inside:
        return run_alone("benchmarks.risk_rows", arguments)
    django.setup()
    make_tables()
    wanted = options.histories
    started = time.monotonic()
    # The models can be loaded only now.
    rows = importlib.import_module("tests.notifications.history_rows")

    @looking(wanted)
    @given(st.lists(facts(), min_size=3, max_size=25), st.integers())
    def check(known, seed):
        dice = random.Random(seed)
        pieces = batches(dice.sample(known, len(known)), dice)
        with transaction.atomic():
            expected = rows.concluded(known)
            assert rows.as_it_comes(pieces) == expected, (known, pieces)
            transaction.set_rollback(True)

    check()
    seconds = round(time.monotonic() - started, 1)
    row = {"bench": "risk-rows", "histories": wanted, "seconds": seconds}
    sys.stdout.write(json.dumps(row) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
