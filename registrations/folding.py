"""Which REGISTERs are one registration: the 401 round, and retransmissions. Pure.

RFC 3261 §22: a challenged request comes again with credentials, same Call-ID, higher CSeq.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

#: How long after the challenge the answer to it may come (Timer F).
ROUND = timedelta(seconds=32)
MOST_ROUNDS = 1000
MOST_OLDER = 8


@dataclass(slots=True)
class Round:
    """The newest request of one Call-ID: what a later one may fold into."""

    cseq: int
    moment: str | None
    authorized: bool
    accepted: bool
    #: Lower CSeqs of this Call-ID: a copy of one may still come.
    older: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Fold:
    """`is_repeat`: a copy of what was read. `is_same`: folds into an accepted one.

    `moment`: when the first copy of the round was sent.
    """

    is_repeat: bool
    is_same: bool
    moment: datetime | None


class Rounds:
    """The newest request of each Call-ID, as many as may still matter."""

    def __init__(self, stored: dict | None = None) -> None:
        self._rounds: OrderedDict[str, Round] = OrderedDict(
            (key, Round(**value)) for key, value in (stored or {}).items()
        )

    def fold(
        self,
        call_id: str,
        cseq: int,
        moment: datetime | None,
        *,
        authorized: bool,
        accepted: bool,
    ) -> Fold:
        """Place one request, and remember it."""
        before = self._rounds.get(call_id)
        if before is not None and cseq in (before.cseq, *before.older):
            return Fold(True, False, moment)
        if before is not None and cseq < before.cseq:
            before.older.append(cseq)
            return Fold(False, False, moment)
        if before is not None and _answers(before, cseq, moment, authorized):
            first = _moment(before) or moment
            fold = Fold(False, before.accepted and accepted, first)
        else:
            fold = Fold(False, False, moment)
        first = fold.moment.isoformat() if fold.moment else None
        older = [*before.older, before.cseq][-MOST_OLDER:] if before else []
        self._rounds[call_id] = Round(cseq, first, authorized, accepted, older)
        self._rounds.move_to_end(call_id)
        self._forget(moment)
        return fold

    def _forget(self, moment: datetime | None) -> None:
        while self._rounds:
            oldest = _moment(next(iter(self._rounds.values())))
            is_over = moment and oldest and moment - oldest > 2 * ROUND
            if not is_over and len(self._rounds) <= MOST_ROUNDS:
                return
            self._rounds.popitem(last=False)

    def stored(self) -> dict:
        """As JSON, to go on after a restart."""
        return {key: _as_json(value) for key, value in self._rounds.items()}


def _answers(
    before: Round, cseq: int, moment: datetime | None, authorized: bool
) -> bool:
    if before.authorized or not authorized or cseq <= before.cseq:
        return False
    first = _moment(before)
    return first is None or moment is None or moment - first <= ROUND


def _moment(before: Round) -> datetime | None:
    return datetime.fromisoformat(before.moment) if before.moment else None


def _as_json(value: Round) -> dict:
    # Not asdict(): a thousand of these are stored with every batch.
    return {
        "cseq": value.cseq,
        "moment": value.moment,
        "authorized": value.authorized,
        "accepted": value.accepted,
        "older": value.older,
    }
