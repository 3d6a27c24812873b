"""The read model of the what-if page: what other rules would have said, before anyone saves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from notifications.facts import Policy
from notifications.models import App, Call, Ledger, Push
from notifications.replay import Flip, Moved, replay
from notifications.wording import CHIPS
from registrations.models import Device, Holding

#: Calls a page replays; more are for `manage.py replay_risk`.
MOST_CALLS = 20_000
#: Rows of each table; the counts are of all.
ROWS = 100


@dataclass(frozen=True, slots=True)
class FlipRow:
    """A call whose verdict would be another; `push` is its push's id."""

    flip: Flip
    device: Device | None
    push: str | None
    was: str
    becomes: str


@dataclass(frozen=True, slots=True)
class Side:
    """A state with its chip, and the strikes that go with it."""

    state: str
    label: str
    tone: str
    icon: str
    strikes: int


@dataclass(frozen=True, slots=True)
class MovedRow:
    """A phone whose risk would be another."""

    device: Device | None
    was: Side
    becomes: Side

    @property
    def sides(self) -> tuple[Side, Side]:
        """As it is, as it would be."""
        return self.was, self.becomes


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What differs. `counted`: (verdict as it is, as it would be) → calls, most first."""

    calls: int
    tokens: int
    flipped: int
    moved_count: int
    counted: list[tuple[str, str, int]]
    flips: list[FlipRow]
    moved: list[MovedRow]


def calls_in(app: App, since: datetime, until: datetime) -> int:
    """How many calls a replay of that period would judge, up to one more than a page does."""
    calls = Call.objects.filter(
        token__bundle_id=app.bundle_id, sent_at__range=(since, until)
    )
    return calls.order_by()[: MOST_CALLS + 1].count()


def what_if(app: App, other: Policy, since: datetime, until: datetime) -> WhatIf:
    """The calls of the period by the app's own rules and by `other`; writes nothing."""
    found = replay(app, other, since, until)
    flips = sorted(found.flips, key=lambda flip: flip.sent_at, reverse=True)
    holders = _holders({row.token for row in (*flips[:ROWS], *found.moved[:ROWS])})
    pushes = _pushes(flips[:ROWS])
    return WhatIf(
        calls=found.calls,
        tokens=found.tokens,
        flipped=len(flips),
        moved_count=len(found.moved),
        counted=_counted(flips),
        flips=[_flip_row(flip, holders, pushes) for flip in flips[:ROWS]],
        moved=[_moved_row(moved, holders) for moved in found.moved[:ROWS]],
    )


def _counted(flips: Iterable[Flip]) -> list[tuple[str, str, int]]:
    pairs = Counter((flip.was[0], flip.becomes[0]) for flip in flips)
    return [
        (_verdict(was), _verdict(becomes), number)
        for (was, becomes), number in pairs.most_common()
    ]


def _verdict(name: str) -> str:
    return Call.Verdict(name).label.lower()


def _told(pair: tuple[str, str]) -> str:
    verdict, rule = pair
    words = rule.replace("_", " ")
    return f"{_verdict(verdict)}, {words}" if rule else _verdict(verdict)


def _holders(tokens: set[int]) -> dict[int, Device]:
    """token → a device that holds it, or held it last."""
    holdings = Holding.objects.filter(token__in=tokens).order_by("current", "pk")
    return {one.token_id: one.device for one in holdings.select_related("device")}


def _pushes(flips: Iterable[Flip]) -> dict[tuple[int, str], str]:
    """token, Call-ID → the newest push of that call."""
    tokens = {flip.token for flip in flips}
    calls = {flip.call_id for flip in flips}
    rows = Push.objects.filter(token__in=tokens, call_id__in=calls)
    rows = rows.order_by("created_at").values_list("token", "call_id", "pk")
    return {(token, call_id): str(pk) for token, call_id, pk in rows}


def _flip_row(flip: Flip, holders: dict, pushes: dict) -> FlipRow:
    return FlipRow(
        flip,
        holders.get(flip.token),
        pushes.get((flip.token, flip.call_id)),
        _told(flip.was),
        _told(flip.becomes),
    )


def _moved_row(moved: Moved, holders: dict) -> MovedRow:
    return MovedRow(holders.get(moved.token), _side(moved.was), _side(moved.becomes))


def _side(pair: tuple[str, int]) -> Side:
    state, strikes = pair
    tone, icon = CHIPS[state]
    return Side(state, Ledger.State(state).label, tone, icon, strikes)
