"""How well ledgers told which phones iOS had blocked: a pure function of truth and moves."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from benchmarks.risk_world import Truth
from simulator.clock import ms

WINDOW_MS, LATE_MS = 30_000, 90_000
REACH = timedelta(minutes=15)
FOREGROUND_MS = 20_000
MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Move:
    """A ledger's state from `at` on: its token, and the Call-IDs of its strikes."""

    at: datetime
    token: str
    state: str
    run: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` to `end`, in milliseconds; `end` None: it stands at the end."""

    start: int
    end: int | None
    run: tuple[str, ...] = ()

    def meets(self, other: Span) -> bool:
        """Whether some moment is in both."""
        return (self.end is None or other.start <= self.end) and (
            other.end is None or self.start <= other.end
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What one rehearsal gave. `blamed_on_feeds`: suspected though a strike of the run has
    its REGISTER in the log, in time. `pushes_to_detect`: after the block, median;
    `pushes_that_show`: the same, of those that can show it; `pushes_once_visible`: after the
    first of them. `pushes_between`: of all found, and how many of them could not show it.
    """

    blocks: int
    seeable: int
    seeable_found: int
    suspected: int
    suspected_right: int
    blamed_on_feeds: int
    pushes_to_detect: float
    pushes_that_show: float
    pushes_once_visible: float
    pushes_between: int
    pushes_that_cannot_show: int
    false_per_1000_device_days: float

    @property
    def precision(self) -> float:
        """Of the suspected, so many were blocked."""
        return self.suspected_right / self.suspected if self.suspected else 1.0

    @property
    def recall(self) -> float:
        """Of the blocks that could be seen, so many were suspected."""
        return self.seeable_found / self.seeable if self.seeable else 1.0


def score(
    truths: Mapping[str, Truth],
    moves: Sequence[Move],
    owners: Mapping[str, str],
    device_days: float,
    reach: timedelta = REACH,
) -> Score:
    """`owners`: voip token → phone. `reach`: the reach window that ledgers went by."""
    alarms: dict[str, list[Span]] = {name: [] for name in truths}
    for token, found in _alarms(moves).items():
        alarms[owners[token]] += found
    blocks = {name: blocked(truth) for name, truth in truths.items()}
    right = wrong = blamed = seeable = found_count = 0
    delays, telling, late = [], [], []
    for name, truth in truths.items():
        for alarm in alarms[name]:
            is_right = any(
                block.start <= alarm.start
                and block.meets(Span(alarm.start, alarm.start))
                for block in blocks[name]
            )
            right, wrong = right + is_right, wrong + (not is_right)
            blamed += any(_has_register(truth, call) for call in alarm.run)
        for block in blocks[name]:
            shows = showing(truth, block, reach)
            if not shows:
                continue
            seeable += 1
            first = min(
                (one.start for one in alarms[name] if one.meets(block)), default=None
            )
            if first is not None:
                found_count += 1
                delays.append(_between(truth.pushes, block.start, first))
                telling.append(_between(shows, block.start, first))
                late.append(_between(truth.pushes, shows[0], first))
    return Score(
        blocks=sum(map(len, blocks.values())),
        seeable=seeable,
        seeable_found=found_count,
        suspected=right + wrong,
        suspected_right=right,
        blamed_on_feeds=blamed,
        pushes_to_detect=median(delays) if delays else 0.0,
        pushes_that_show=median(telling) if telling else 0.0,
        pushes_once_visible=median(late) if late else 0.0,
        pushes_between=sum(delays),
        pushes_that_cannot_show=sum(delays) - sum(telling),
        false_per_1000_device_days=1000 * wrong / device_days,
    )


def blocked(truth: Truth) -> list[Span]:
    """When iOS woke this phone no more."""
    spans, since = [], None
    for at, what in truth.events:
        if what == "blocked":
            since = at
        elif what in ("released", "reinstalled") and since is not None:
            spans.append(Span(since, at))
            since = None
    return spans if since is None else [*spans, Span(since, None)]


def showing(truth: Truth, block: Span, reach: timedelta) -> list[int]:
    """The pushes after the block that can show it: sent within the reach window of a sign
    of life that the log shows, and not while the app was open, which iOS's rule exempts.
    """
    signs = [
        at
        for at, what in truth.events
        if what == "seen" and at > block.start and not _is_prompted(truth, at)
    ]
    return [
        sent
        for sent in truth.pushes
        if block.start < sent and (block.end is None or sent < block.end)
        if (before := signs[: bisect_right(signs, sent)])
        and FOREGROUND_MS < sent - before[-1] <= reach // MILLISECOND
    ]


def _is_prompted(truth: Truth, at: int) -> bool:
    return any(sent <= at <= sent + LATE_MS for sent in truth.pushes)


def _has_register(truth: Truth, call_id: str) -> bool:
    accepted = truth.calls.get(call_id, [])
    return any(
        at <= register <= at + WINDOW_MS
        for at in accepted
        for register in truth.registers
    )


def _between(pushes: Iterable[int], start: int, end: int) -> int:
    return sum(start < sent <= end for sent in pushes)


def _alarms(moves: Sequence[Move]) -> dict[str, list[Span]]:
    """token → when its ledger said suspected."""
    alarms: dict[str, list[Span]] = {}
    open_since: dict[str, tuple[datetime, tuple[str, ...]]] = {}
    for move in moves:
        if move.state == "suspected":
            open_since.setdefault(move.token, (move.at, move.run))
        elif move.token in open_since:
            since, run = open_since.pop(move.token)
            alarms.setdefault(move.token, []).append(Span(ms(since), ms(move.at), run))
    for token, (since, run) in open_since.items():
        alarms.setdefault(token, []).append(Span(ms(since), None, run))
    return alarms
