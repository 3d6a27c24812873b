"""Which REGISTERs are one registration: the 401 round, and retransmissions. Pure.

RFC 3261 §22: a challenged request comes again with credentials, same Call-ID, higher CSeq.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from registrations.sip import made

#: How long after the challenge the answer to it may come (Timer F).
ROUND = timedelta(seconds=32)
#: A storm of 3,000 REGISTERs a second fills them in 16 s.
MOST_ROUNDS = 50_000
MOST_OLDER = 8
#: Authorized and accepted, as they are kept.
FLAGS = {(a, b): f"{a:d}\t{b:d}" for a in (False, True) for b in (False, True)}


@dataclass(slots=True)
class Round:
    """The newest request of one Call-ID: what a later one may fold into."""

    cseq: int
    moment: datetime | None
    authorized: bool
    accepted: bool
    #: Lower CSeqs of this Call-ID: a copy of one may still come.
    older: list[int] = field(default_factory=list)


class Fold(NamedTuple):
    """`is_repeat`: a copy of what was read. `is_same`: folds into an accepted one.
    `is_next`: answers the challenge of one read before.

    `moment`: when the first copy of the round was sent.
    """

    is_repeat: bool
    is_same: bool
    moment: datetime | None
    is_next: bool = False


class Rounds:
    """The newest request of each Call-ID, as many as may still matter."""

    def __init__(self) -> None:
        self._rounds: OrderedDict[str, Round] = OrderedDict()
        self._changed: dict[str, None] = {}

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
        if before is not None and (cseq == before.cseq or cseq in before.older):
            return Fold(True, False, moment)
        self._changed.pop(call_id, None)
        self._changed[call_id] = None
        if before is not None and cseq < before.cseq:
            before.older.append(cseq)
            return Fold(False, False, moment)
        if before is not None and _answers(before, cseq, moment, authorized):
            is_same = before.accepted and accepted
            fold = Fold(False, is_same, before.moment or moment, True)
        else:
            fold = made(Fold, (False, False, moment, False))
        if before is None:
            older = []
        else:
            older = [*before.older, before.cseq][-MOST_OLDER:]
            self._rounds.move_to_end(call_id)
        self._rounds[call_id] = Round(cseq, fold.moment, authorized, accepted, older)
        if len(self._rounds) > MOST_ROUNDS:
            self._rounds.popitem(last=False)
        return fold

    def forget(self, until: datetime | None) -> None:
        """Every log was read up to `until`: nothing folds into what is older by a round."""
        while until is not None and self._rounds:
            oldest = next(iter(self._rounds.values())).moment
            if oldest is None or until - oldest <= 2 * ROUND:
                return
            self._rounds.popitem(last=False)

    # To go on after a restart

    def changes(self) -> list[str]:
        """What changed since it was last asked, a line each, in the order of the log."""
        rounds = self._rounds
        changed = [
            _line(call_id, rounds[call_id])
            for call_id in self._changed
            if call_id in rounds
        ]
        self._changed.clear()
        return changed

    def restore(self, changes: Iterable[str]) -> None:
        """Take up what `changes` said, in the same order."""
        for line in changes:
            cseq, moment, authorized, accepted, older, call_id = line.split("\t")
            self._rounds[call_id] = Round(
                int(cseq),
                datetime.fromisoformat(moment) if moment else None,
                authorized == "1",
                accepted == "1",
                [int(one) for one in older.split()],
            )
            self._rounds.move_to_end(call_id)


def _answers(
    before: Round, cseq: int, moment: datetime | None, authorized: bool
) -> bool:
    if before.authorized or not authorized or cseq <= before.cseq:
        return False
    first = before.moment
    return first is None or moment is None or moment - first <= ROUND


def _line(call_id: str, value: Round) -> str:
    """One round. There is no tab in a Call-ID and no end of a line: it was made storable."""
    moment = "" if value.moment is None else value.moment.isoformat()
    older = " ".join(map(str, value.older)) if value.older else ""
    flags = FLAGS[value.authorized, value.accepted]
    return f"{value.cseq}\t{moment}\t{flags}\t{older}\t{call_id}"
