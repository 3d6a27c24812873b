"""The rules alone against the truth of `bin/bench risk`: without logs and database, by seed.

The same world, judged by the product's own pure rules. A ledger moves when the product could
have read what moves it: at the next minute, and not while a log stalls. What reading, skew and
disorder do to it, `bin/bench risk` alone shows.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.risk import HOUR_MS, START, STEP, ask_for_worlds, told
from benchmarks.risk_facts import Judged, Silent, judged, spans_of
from benchmarks.risk_score import Move, score
from benchmarks.risk_world import MANNERS
from notifications.facts import Policy
from notifications.risk import JudgedCall, Risk, ledger, signs_of_life
from simulator.ordeal import SHARES
from simulator.phone import IosRule

GO_AWAY = ("off", "flaky")


def main(arguments: list[str]) -> int:
    """One line a seed; 1 when a bar is not met."""
    parser = argparse.ArgumentParser(prog="bin/bench risk-rules", description=__doc__)
    ask_for_worlds(parser)
    parser.add_argument(
        "--reach-minutes", type=float, nargs="+", default=[15], help="ours"
    )
    parser.add_argument(
        "--away", type=float, default=1, help="times as many phones that go away"
    )
    given = parser.parse_args(arguments)
    rows = [row for seed in given.seeds for row in rehearse(given, seed)]
    return 0 if all(row["ok"] for row in rows) else 1


def rehearse(given: argparse.Namespace, seed: int) -> Iterator[dict]:
    """One seed: its rows, each printed; one a reach window."""
    end, began = START + timedelta(days=given.days), time.monotonic()
    proxies = lived(given, seed, end)
    truths = {name: one for proxy in proxies for name, one in proxy.truth.items()}
    owners = {token: name for proxy in proxies for token, name in proxy.owners.items()}
    for minutes in given.reach_minutes:
        reach = timedelta(minutes=minutes)
        policy = Policy(threshold=given.threshold, reach_window=reach)
        moves = [move for proxy in proxies for move in moves_of(proxy, policy, end)]
        found = score(truths, moves, owners, len(truths) * given.days, reach)
        row = told(given, seed, found, time.monotonic() - began)
        row |= {"bench": "risk-rules", "reach_minutes": minutes, "away": given.away}
        sys.stdout.write(json.dumps(row) + "\n")
        sys.stdout.flush()
        yield row


def lived(given: argparse.Namespace, seed: int, end: datetime) -> list[Silent]:
    """The proxies of that seed at the end of their days."""
    rule = IosRule(
        threshold=given.threshold, release_ms=int(given.release_hours * HOUR_MS)
    )
    shares = SHARES | {role: SHARES[role] * given.away for role in GO_AWAY}
    with TemporaryDirectory(prefix="pushdash-risk-") as folder:
        proxies = [
            Silent(
                manner,
                Path(folder),
                seed=seed,
                phones=given.phones // len(MANNERS),
                start=START,
                end=end,
                rule=rule,
                shares=shares,
            )
            for manner in MANNERS
        ]
        for proxy in proxies:
            proxy.live(end, proxy.knows, proxy.note)
    return proxies


def moves_of(proxy: Silent, policy: Policy, end: datetime) -> Iterator[Move]:
    """How the ledgers of this proxy's phones moved, token by token, each in order."""
    for token, made in proxy.calls.items():
        install = proxy.installs[proxy.held_by[token]]
        calls = judged(made, install, policy)
        if any(call.verdict.verdict == "unhandled" for call in calls):
            spans = [span for span, _ in spans_of(made, policy)]
            alive = signs_of_life(install.signs, install.remotes, spans)
            for at, risk in _states(proxy, calls, alive, policy, end):
                run = tuple(strike.call_id for strike in risk.run)
                yield Move(at, token, risk.state, run)


def _states(
    proxy: Silent,
    calls: list[Judged],
    alive: list[datetime],
    policy: Policy,
    end: datetime,
) -> Iterator[tuple[datetime, Risk]]:
    """The ledger after each call that was judged, and when time alone changes it."""
    told_of: list[JudgedCall] = []
    change_at: datetime | None = None
    for at, call in [*_news(proxy, calls, policy), (end, None)]:
        if change_at is not None and change_at <= min(at, end):
            yield change_at, _at(change_at, told_of, alive, policy)
        if call is None or at > end:
            return
        told_of.append(call)
        risk = _at(at, told_of, alive, policy)
        change_at = risk.next_change_at
        yield at, risk
        if call.verdict == "handled":
            # No run reaches past it.
            told_of = [call]


def _at(at: datetime, calls, alive: list[datetime], policy: Policy) -> Risk:
    return ledger(calls, [sign for sign in alive if sign <= at], (), policy, at)


def _news(
    proxy: Silent, calls: list[Judged], policy: Policy
) -> list[tuple[datetime, JudgedCall]]:
    """The verdicts that move ledgers, in the order they can be given."""
    news = []
    for number, call in enumerate(calls):
        window, verdict = call.window, call.verdict.verdict
        if verdict == "unhandled":
            at, ended_at = window.handle_by + policy.grace, None
        elif verdict == "handled":
            ended_at = call.verdict.proof.moment
            at = max(ended_at, window.sent_at)
        else:
            continue
        facts = (number, call.call_id, window.sent_at, verdict, call.pushes, ended_at)
        news.append((_read_at(proxy, at), JudgedCall(*facts)))
    return sorted(news, key=lambda row: (row[0], row[1].sent_at))


def _read_at(proxy: Silent, moment: datetime) -> datetime:
    """The first step at which the proxy's log was read past this moment."""
    manner = proxy.manner
    passed = moment + manner.lag + max(-manner.skew, timedelta()) - START
    at = START + STEP * (passed // STEP + 1)
    while any(trouble.start <= at < trouble.end for trouble in proxy.troubles):
        at += STEP
    return at


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
