"""kill -9 of every child of a running demo: how soon the Live page is live again, what is lost.

Each child in turn, with pushes on their way. A line for the start, one a kill, one for the
comparison of rows with log, phones and callers. Bars: login page in 60 s; in 3 minutes two
strikes and a suspected device on the Live page; live again 15 s after a kill; nothing lost.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import time
from datetime import UTC, datetime

import psycopg

from benchmarks.account import dormant, settle_accounts
from benchmarks.product import CHILDREN, Product, demo, until
from benchmarks.visitor import Glance, Visitor, looking_at

LOGIN_SECONDS, SHOWN_SECONDS, LIVE_SECONDS = 60, 180, 15
#: The last calls are judged so long after their pushes: window, grace, and a margin.
JUDGED_SECONDS = 60
#: These die with a push on the wire: APNs is halted until they are dead.
HOLD_PUSHES = {"postgres", "worker-voip", "worker"}


def main(arguments: list[str]) -> int:
    """1 when a bar was missed."""
    parser = argparse.ArgumentParser(prog="bin/bench kill", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1, help="kills of each child")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=CHILDREN, nargs="+", default=[*CHILDREN])
    given = parser.parse_args(arguments)
    with demo() as product, looking_at(product) as visitor:
        results = [tell(start_of(product, visitor))]
        since = datetime.now(UTC)
        killer = Killer(product, visitor, random.Random(given.seed))
        for child in given.only * given.rounds:
            results.append(tell(killer.strike(child)))
        results.append(tell(killer.account(since)))
    return 0 if all(result["ok"] for result in results) else 1


def tell(result: dict) -> dict:
    """Print one result as a JSON line."""
    sys.stdout.write(json.dumps(result) + "\n")
    sys.stdout.flush()
    return result


def start_of(product: Product, visitor: Visitor) -> dict:
    """How soon the page could be logged in to, and how soon it showed the risk."""
    served = time.monotonic() - product.started
    until(lambda: visitor.newest and shows_the_risk(visitor.newest), SHOWN_SECONDS)
    shown = time.monotonic() - product.started
    glance = visitor.newest
    return {
        "bench": "kill",
        "step": "start",
        "login_seconds": round(served, 1),
        "risk_shown_seconds": round(shown, 1),
        "two_strikes": len(glance.devices_in("not_waking", 2)),
        "suspected": len(glance.devices_in("suspected")),
        "evidence": glance.devices_in("suspected")[0],
        "ok": served <= LOGIN_SECONDS and shown <= SHOWN_SECONDS,
    }


def shows_the_risk(glance: Glance) -> bool:
    """Pushes, a device with two strikes, a suspected one, each with its evidence."""
    rows = [glance.devices_in("not_waking", 2), glance.devices_in("suspected")]
    return bool(glance.feed) and all(
        found and all("VoIP pushes accepted, 0 wakes" in why for why in found)
        for found in rows
    )


class Killer:
    """Kills children while `most` pushes are on their way; remembers what was asked for."""

    def __init__(
        self, product: Product, visitor: Visitor, dice: random.Random, most: int = 3
    ) -> None:
        self._product, self._visitor, self._dice = product, visitor, dice
        self._most = most
        self._asked: list[str] = []
        self._asleep: set[str] = set()

    def strike(self, child: str) -> dict:
        """Kill one child and wait for the page."""
        self._asleep |= dormant(self._product)
        first = "alert" if child == "worker" else "voip"
        if child in HOLD_PUSHES:
            self._signal_apns(signal.SIGSTOP)
        wishes = self._wishes(first)[: self._most]
        requests = [self._ask(aor, kind) for aor, kind in wishes]
        if child in HOLD_PUSHES:
            until(lambda: self._is_on_the_wire(first))
        else:
            time.sleep(self._dice.uniform(0.8, 2.5))
        killed = self._product.kill(child)
        self._signal_apns(signal.SIGCONT)
        at = datetime.now(UTC)
        seconds = until(lambda: self._is_live_since(at))
        restarted = until(
            lambda: self._product.child(CHILDREN[child]) not in (0, killed)
        )
        answered = sum(self._note(request) for request in requests)
        until(self._nothing_is_under_way)
        return {
            "bench": "kill",
            "step": child,
            "live_again_seconds": round(max(seconds, restarted), 1),
            "pushes_answered": answered,
            "ok": max(seconds, restarted) <= LIVE_SECONDS,
        }

    def account(self, since: datetime) -> dict:
        """Wait until every call is judged, then compare."""
        until(self._nothing_is_awaited, JUDGED_SECONDS)
        self._asleep |= dormant(self._product)
        found = settle_accounts(self._product, since, self._asked, self._asleep)
        figures = {"bench": "kill", "step": "account", **found.counts}
        return {**figures, "wrong": found.wrong, "ok": not found.wrong}

    def _is_live_since(self, killed_at: datetime) -> bool:
        """A page and a frame made after the kill, showing a log read after the kill."""
        glance = self._visitor.newest
        if glance is None or glance.at <= killed_at or not glance.is_fresh:
            return False
        try:
            ((seen_until,),) = self._product.rows(
                "SELECT seen_until FROM registrations_feed WHERE followed"
            )
        except psycopg.OperationalError:
            return False
        return seen_until > killed_at and self._product.is_serving()

    def _signal_apns(self, sign: signal.Signals) -> None:
        pid = self._product.child(CHILDREN["simulator"])
        if pid:
            os.kill(pid, sign)

    def _is_on_the_wire(self, push_type: str) -> bool:
        query = """
            SELECT count(*) FROM notifications_push
            WHERE claimed_at IS NOT NULL AND push_type = %s"""
        return self._count(query, push_type) > 0

    def _wishes(self, first: str) -> list[tuple[str, str]]:
        """A VoIP push to a phone that sleeps, an alert and a VoIP push to any phone."""
        aors = self._bound()
        query = """
            SELECT d.aor FROM registrations_device d
            JOIN registrations_holding h ON h.device_id = d.id AND h.current
            JOIN notifications_ledger l ON l.token_id = h.token_id
            WHERE l.state = 'suspected' AND d.bound ORDER BY d.aor"""
        asleep = [aor for (aor,) in self._product.rows(query)]
        wishes = [
            (self._dice.choice(asleep), "voip"),
            (self._dice.choice(aors), "alert"),
            (self._dice.choice(aors), "voip"),
        ]
        return sorted(wishes, key=lambda wish: wish[1] != first)

    def _ask(self, aor: str, kind: str):
        return self._product.manage("push", "--aor", aor, "--type", kind, "--json")

    def _bound(self) -> list[str]:
        query = """
            SELECT d.aor FROM registrations_device d
            JOIN registrations_holding h ON h.device_id = d.id AND h.current
            WHERE d.bound AND d.expires_at > now() + interval '1 minute'
            GROUP BY d.aor HAVING count(*) = 2 ORDER BY d.aor"""
        return [aor for (aor,) in self._product.rows(query)]

    def _note(self, request) -> int:
        """What a `manage.py push` was told; the database may have gone under it."""
        printed, _ = request.communicate(timeout=90)
        ids = [json.loads(line)["id"] for line in printed.splitlines()]
        self._asked += ids
        return len(ids)

    def _nothing_is_under_way(self) -> bool:
        query = "SELECT count(*) FROM notifications_push WHERE state IN ('queued', 'sending')"
        return self._count(query) == 0

    def _nothing_is_awaited(self) -> bool:
        # The callers go on calling: only calls that are due count.
        query = """
            SELECT count(*) FROM notifications_call WHERE verdict = 'awaited'
            AND handle_by < now() - interval '8 seconds'"""
        loose = """
            SELECT count(*) FROM notifications_push
            WHERE push_type = 'voip' AND sip_call_id IS NULL"""
        is_judged = self._count(query) == 0 and self._count(loose) == 0
        return is_judged and self._nothing_is_under_way()

    def _count(self, query: str, *values: object) -> int:
        """The number asked for; -1 while the database is away."""
        try:
            return self._product.rows(query, *values)[0][0]
        except psycopg.OperationalError:
            return -1
