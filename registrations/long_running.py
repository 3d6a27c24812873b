"""What Python must be told in a process that works for long."""

from __future__ import annotations

import gc
import sys

#: New objects between two searches for cycles where there are hardly any; 700 by default.
MANY_OBJECTS = 100_000
#: Seconds a thread keeps others waiting; 0.005 by default, which is an answer of PostgreSQL.
TURN_SECONDS = 0.0005


def settle_in() -> None:
    """Call when everything is loaded: it is never searched for cycles again, which took a
    tenth of a worker's CPU and made a request in a hundred wait 60 ms.
    """
    gc.collect()
    gc.freeze()


def expect_no_cycles() -> None:
    """For a reader of records, which make none: a sixth of its CPU went into the search. Not
    where somebody waits: the few searches that are left take 50 ms each.
    """
    gc.set_threshold(MANY_OBJECTS)


def take_short_turns() -> None:
    """For a process with one thread that computes and one that waits for PostgreSQL: that one
    goes on soon after its answer.
    """
    sys.setswitchinterval(TURN_SECONDS)
