"""From the deadline of an unhandled call to its strike on the Live page, through every part.

Pushes to phones of a running demo that do not wake; the deadline (`handle_by` and grace) comes
from the rows, the appearance from the frames of the live socket. Bar: 2 s.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import threading
import time

from benchmarks.product import Product, demo, until
from benchmarks.quantiles import quantile
from benchmarks.visitor import Glance, looking_at

BAR_SECONDS = 2.0
#: Wake window, grace, and a margin.
PATIENCE_SECONDS = 60


def main(arguments: list[str]) -> int:
    """1 when the bar was missed by any."""
    parser = argparse.ArgumentParser(
        prog="bin/bench verdict-to-screen", description=__doc__
    )
    parser.add_argument("--verdicts", type=int, default=12)
    given = parser.parse_args(arguments)
    watch = Watch()
    with demo() as product:
        with looking_at(product, watch.note):
            until(lambda: watch.devices, PATIENCE_SECONDS)
            pushes = ask(product, sorted(watch.devices), given.verdicts)
            until(lambda: not awaited(product, pushes), PATIENCE_SECONDS)
            # A call may turn out exempt: its phone was just being looked at.
            due = deadlines(product, pushes)
            until(lambda: due.keys() <= watch.appeared.keys(), PATIENCE_SECONDS)
        result = figures(due, watch)
    sys.stdout.write(json.dumps(result) + "\n")
    return 0 if result["ok"] else 1


class Watch:
    """When a push was first shown as unhandled, together with one strike more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._struck: dict[int, int] = {}
        self.devices: set[int] = set()
        self.appeared: dict[str, float] = {}

    def note(self, glance: Glance) -> None:
        """Take in one frame."""
        strikes = {pk: count for pk, (_, count, _) in glance.board.items()}
        with self._lock:
            self.devices |= {
                pk for pk, (state, *_) in glance.board.items() if state == "suspected"
            }
            unhandled = {
                pk for pk, words in glance.feed.items() if words == "did not wake"
            }
            grew = any(
                strikes[pk] > self._struck.get(pk, strikes[pk]) for pk in strikes
            )
            for pk in unhandled - self.appeared.keys():
                # Shown as unhandled without a strike: not yet what the bar asks for.
                if grew or not self._struck:
                    self.appeared[pk] = glance.seen_at
            self._struck = strikes


def ask(product: Product, devices: list[int], count: int) -> set[str]:
    """VoIP pushes to phones that do not wake, at no regular moments; their ids."""
    query = "SELECT id, aor FROM registrations_device WHERE id = ANY(%s)"
    aors = [aor for _, aor in sorted(product.rows(query, devices))]
    dice = random.Random(1)
    running = []
    for number in range(count):
        aor = aors[number % len(aors)]
        running.append(product.manage("push", "--aor", aor, "--type", "voip", "--json"))
        time.sleep(dice.uniform(2, 3))
    printed = [process.communicate(timeout=60)[0] for process in running]
    return {json.loads(line)["id"] for text in printed for line in text.splitlines()}


def awaited(product: Product, pushes: set[str]) -> int:
    """How many of them are not judged yet."""
    query = """
        SELECT count(*) FROM notifications_push p
        LEFT JOIN notifications_call c ON c.id = p.sip_call_id
        WHERE p.id = ANY(%s::uuid[]) AND coalesce(c.verdict, 'awaited') = 'awaited'"""
    return product.rows(query, list(pushes))[0][0]


def deadlines(product: Product, pushes: set[str]) -> dict[str, float]:
    """Push → the moment its call was to be judged, in seconds of the epoch."""
    query = """
        SELECT p.id::text, extract(epoch FROM c.handle_by + a.grace)::float8
        FROM notifications_push p JOIN notifications_app a ON a.id = p.app_id
        JOIN notifications_call c ON c.id = p.sip_call_id
        WHERE p.id = ANY(%s::uuid[]) AND c.verdict = 'unhandled'"""
    return dict(product.rows(query, list(pushes)))


def figures(due: dict[str, float], watch: Watch) -> dict:
    """Seconds from deadline to page."""
    lags = sorted(watch.appeared[pk] - moment for pk, moment in due.items())
    return {
        "bench": "verdict-to-screen",
        "verdicts": len(lags),
        "p50_seconds": round(quantile(lags, 0.5), 2),
        "p95_seconds": round(quantile(lags, 0.95), 2),
        "max_seconds": round(lags[-1], 2),
        "earliest_seconds": round(lags[0], 2),
        "ok": lags[0] >= 0 and lags[-1] <= BAR_SECONDS,
    }
