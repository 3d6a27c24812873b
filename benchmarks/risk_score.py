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
    its REGISTER or its 180 in the log, in time. `pushes_to_detect`: after the block, median;
    `pushes_that_show`: the same, of those that can show it; `pushes_once_visible`: after the
    first of them; `pushes_until_visible`: up to the first of them, that one too, which no
    product has a say in. `pushes_between`: of all found, and how many could not show it.
    `wrong`: the phones suspected falsely; `missed`: those whose visible block was not found.
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
    pushes_until_visible: float
    pushes_between: int
    pushes_that_cannot_show: int
    false_per_1000_device_days: float
    wrong: tuple[str, ...]
    missed: tuple[str, ...]

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
    right = blamed = 0
    wrong, missed = [], []
    delays, telling, late, hidden = [], [], [], []
    for name, truth in truths.items():
        for alarm in alarms[name]:
            is_right = any(
                block.start <= alarm.start
                and block.meets(Span(alarm.start, alarm.start))
                for block in blocks[name]
            )
            right += is_right
            if not is_right:
                wrong.append(name)
            blamed += any(_has_proof(truth, call) for call in alarm.run)
        for block in blocks[name]:
            shows = showing(truth, block, reach)
            if not shows:
                continue
            first = min(
                (one.start for one in alarms[name] if one.meets(block)), default=None
            )
            if first is None:
                missed.append(name)
                continue
            delays.append(_between(truth.pushes, block.start, first))
            telling.append(_between(shows, block.start, first))
            late.append(_between(truth.pushes, shows[0], first))
            hidden.append(_between(truth.pushes, block.start, shows[0]))
    return Score(
        blocks=sum(map(len, blocks.values())),
        seeable=len(delays) + len(missed),
        seeable_found=len(delays),
        suspected=right + len(wrong),
        suspected_right=right,
        blamed_on_feeds=blamed,
        pushes_to_detect=_median(delays),
        pushes_that_show=_median(telling),
        pushes_once_visible=_median(late),
        pushes_until_visible=_median(hidden),
        pushes_between=sum(delays),
        pushes_that_cannot_show=sum(delays) - sum(telling),
        false_per_1000_device_days=1000 * len(wrong) / device_days,
        wrong=tuple(wrong),
        missed=tuple(missed),
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
    """The pushes after the block that can show it: withheld by iOS, sent within the reach
    window of a sign of life that the log shows, and not just after the app was opened, which
    exempts.
    """
    alive = [at for at in truth.registers if _shows_life(truth, at)]
    opened = [at for at in alive if not _answers_remote(truth, at)]
    return [
        sent
        for sent in _withheld(truth, block)
        if _is_some_within(alive, sent, reach // MILLISECOND)
        and not _is_some_within(opened, sent, FOREGROUND_MS)
    ]


def _withheld(truth: Truth, block: Span) -> list[int]:
    """When the pushes were sent that iOS did not launch the app for. The push that found
    the block over is none of them.
    """
    sent = {
        truth.pushes[bisect_right(truth.pushes, at) - 1]
        for at, what in truth.events
        if what == "withheld" and block.meets(Span(at, at))
    }
    return sorted(at for at in sent if at > block.start)


def _shows_life(truth: Truth, register: int) -> bool:
    """No VoIP push prompted it, or it answers a remote push."""
    is_prompted = any(at <= register <= at + LATE_MS for at in truth.pushes)
    return not is_prompted or _answers_remote(truth, register)


def _answers_remote(truth: Truth, register: int) -> bool:
    return any(at <= register <= at + WINDOW_MS for at in truth.remotes)


def _is_some_within(moments: Iterable[int], before: int, span: int) -> bool:
    return any(before - span <= at <= before for at in moments)


def _has_proof(truth: Truth, call_id: str) -> bool:
    rang = [truth.rang[call_id]] if call_id in truth.rang else []
    return any(
        at <= proof <= at + WINDOW_MS
        for at in truth.calls.get(call_id, [])
        for proof in [*truth.registers, *rang]
    )


def _median(counts: Sequence[int]) -> float:
    return median(counts) if counts else 0.0


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
