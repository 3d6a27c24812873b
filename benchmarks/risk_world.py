"""The simulated world of `bin/bench risk`: proxies with clocks and logs of their own, and the
truth about every phone. Knows no product.
"""

from __future__ import annotations

import heapq
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random

from simulator import ordeal, past
from simulator.clock import ms
from simulator.fleet import Fleet
from simulator.ordeal import Ring
from simulator.phone import IosRule, Phone

POINTER = re.compile(rb"\[(0x[0-9a-f]+)\]")
MINUTE = timedelta(minutes=1)


@dataclass(slots=True)
class Truth:
    """What no log shows of one phone, in milliseconds of the true time.

    `events`: blocked, released, reinstalled, seen, and each VoIP push's reaction.
    `pushes`: when its VoIP pushes were sent. `remotes`: when APNs took its remote ones.
    `registers`: when its REGISTERs were. `rang`: when it said 180, by Call-ID.
    """

    events: list[tuple[int, str]] = field(default_factory=list)
    pushes: list[int] = field(default_factory=list)
    remotes: list[int] = field(default_factory=list)
    calls: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    registers: list[int] = field(default_factory=list)
    rang: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Between `start` and `end` nothing of the log arrives, or its reader is down."""

    start: datetime
    end: datetime
    is_reader: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """What is odd about one proxy: its clock, how late its log comes, in what disorder."""

    name: str
    skew: timedelta = timedelta()
    lag: timedelta = timedelta()
    disorder_ms: int = 0


MANNERS = (
    Manner(name="proxy", skew=timedelta(seconds=1.3)),
    Manner(name="edge", skew=timedelta(seconds=-0.9), disorder_ms=2_500),
    Manner(name="relay", lag=timedelta(seconds=25)),
)


class Proxy:
    """One proxy: its phones, its log, and what goes wrong with that."""

    def __init__(
        self,
        manner: Manner,
        folder: Path,
        *,
        seed: int,
        phones: int,
        start: datetime,
        end: datetime,
        rule: IosRule,
        shares: Mapping[str, float] = ordeal.SHARES,
    ) -> None:
        self.manner, self.log = manner, folder / f"{manner.name}.log"
        self.log.touch()
        self.truth: dict[str, Truth] = defaultdict(Truth)
        #: voip token → phone, of those that are gone too
        self.owners: dict[str, str] = {}
        cast = ordeal.phones(seed, manner.name, phones, shares)
        members = [phone for role in cast.values() for phone in role]
        self.fleet = Fleet(
            members, self._write, seed=seed, rule=rule, loss=0.03, tell=self._tell
        )
        self.fleet.registrar.on_request = self._heard
        self.fleet.show_calls()
        self.fleet.forks.on_ring = self._rang
        self._begin(start + manner.skew)
        ordeal.direct(self.fleet, cast, start + manner.skew, end + manner.skew)
        self.troubles = troubles(f"{seed}/{manner.name}", start, end)
        self._rings = [
            (ring.at, number, ring, 0)
            for number, ring in enumerate(ordeal.rings(seed, members, start, end))
        ]
        self._numbers = count(len(self._rings))
        self._coming: list[tuple[int, int, bytes]] = []
        self._written = count()

    def live(
        self,
        to: datetime,
        knows: Callable[[Ring, Phone], bool],
        note: Callable[[Ring, Phone, dict | None], object],
    ) -> None:
        """Everything up to `to`. `knows`: whether anybody would push. `note` is told of each
        push that ended, with None of one that was withdrawn.
        """
        while self._rings and self._rings[0][0] <= to:
            at, _, ring, copy = heapq.heappop(self._rings)
            self.fleet.advance(at + self.manner.skew)
            phone = self.fleet.phones[ring.phone]
            is_again = copy or ring.since
            if (is_again and self._was_heard(ring)) or not knows(ring, phone):
                continue
            row = None if ring.is_withdrawn else self._place(phone, ring, copy)
            if row is not None or ring.is_withdrawn:
                note(ring, phone, row)
            if row is not None and copy < ring.copies:
                self._plan(at + ordeal.REPEAT_AFTER, ring, copy + 1)
            if row is not None and not copy and ring.tries:
                again = ordeal.redial(ring)
                self._plan(again.at, again, 0)
        self.fleet.advance(to + self.manner.skew)
        self._deliver(to)

    def _begin(self, now: datetime) -> None:
        self.fleet.begin(now)

    def is_down(self, now: datetime) -> bool:
        """Whether the reader of this log is down just now."""
        return any(
            one.is_reader and one.start <= now < one.end for one in self.troubles
        )

    def _plan(self, at: datetime, ring: Ring, copy: int) -> None:
        heapq.heappush(self._rings, (at, next(self._numbers), ring, copy))

    def _place(self, phone: Phone, ring: Ring, copy: int) -> dict | None:
        at = ring.at + ordeal.REPEAT_AFTER * copy
        theirs = replace(ring, at=at + self.manner.skew)
        row = past.place(self.fleet, phone, theirs, copy)
        if row is None:
            return None
        for name in ("requested_at", "sent_at", "answered_at"):
            row[name] = datetime.fromisoformat(row[name]) - self.manner.skew
        if row["status"] == 200:
            self._witness(phone.name, ring, row)
        return row

    def _witness(self, name: str, ring: Ring, row: dict) -> None:
        truth, answered = self.truth[name], ms(row["answered_at"])
        if ring.push_type == "voip":
            self.owners[row["token"]] = name
            truth.pushes.append(ms(row["sent_at"]))
            truth.calls[ring.call_id].append(answered)
        else:
            truth.remotes.append(answered)

    def _was_heard(self, ring: Ring) -> bool:
        registers = self.truth[ring.phone].registers
        return bool(registers) and registers[-1] >= ms(ring.since or ring.at)

    # The truth

    def _tell(self, at_ms: int, phone: Phone, what: str) -> None:
        self.truth[phone.name].events.append((at_ms - self._skew_ms, what))

    def _heard(self, phone: Phone, request) -> None:
        self.truth[phone.name].registers.append(request.at_ms - self._skew_ms)

    def _rang(self, phone: Phone, at_ms: int, call_id: str) -> None:
        self.truth[phone.name].rang[call_id] = at_ms - self._skew_ms

    @property
    def _skew_ms(self) -> int:
        return self.manner.skew // timedelta(milliseconds=1)

    # The log

    def _write(self, text: bytes) -> None:
        at_ms = self.fleet.now_ms - self._skew_ms
        if self.manner.disorder_ms:
            # One exchange stays in order: its request, and the answer to it.
            pointer = POINTER.search(text)[1]
            at_ms += Random(pointer).randrange(self.manner.disorder_ms)
        at_ms += self.manner.lag // timedelta(milliseconds=1)
        heapq.heappush(self._coming, (at_ms, next(self._written), text))

    def _deliver(self, now: datetime) -> None:
        """What has arrived by now stands in the log."""
        is_stalled = any(
            not one.is_reader and one.start <= now < one.end for one in self.troubles
        )
        if is_stalled:
            return
        arrived, until = [], ms(now)
        while self._coming and self._coming[0][0] <= until:
            arrived.append(heapq.heappop(self._coming)[2])
        with self.log.open("ab") as log:
            log.write(b"".join(arrived))


def troubles(seed: str, start: datetime, end: datetime) -> list[Trouble]:
    """Stalls of 5 to 20 minutes, several a day; half of them are restarts of the reader."""
    chance, found = Random(f"{seed}/troubles"), []
    at = start + timedelta(hours=chance.uniform(1, 5))
    while at < end - timedelta(hours=1):
        length = MINUTE * chance.uniform(5, 20)
        found.append(
            Trouble(start=at, end=at + length, is_reader=chance.random() < 0.5)
        )
        at += length + timedelta(hours=chance.uniform(2, 7))
    return found
