"""What Python must be told in a process that works for long."""

from __future__ import annotations

import gc
import sys

#: New objects between two looks for cycles; ours make hardly any.
OBJECTS = 100_000
#: Seconds a thread keeps others waiting; 0.005 by default, which is an answer of PostgreSQL.
TURN_SECONDS = 0.0005


def settle_in() -> None:
    """Call when everything is loaded: it is never searched for cycles again, and a thread
    that has its answer goes on soon while another computes. A sixth of the CPU of `ingest`
    and a tenth of a worker's went into the search.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS)
    sys.setswitchinterval(TURN_SECONDS)
