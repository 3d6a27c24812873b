"""Which INVITE an answer answers: found by its branch, each answer told once. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from registrations.formats.record import Branch, Hangup, Response
from registrations.storable import clean, short

#: INVITEs that may be under way at once, and of them those a restart remembers.
MOST_OPEN, MOST_KEPT = 5000, 500


class Answered(NamedTuple):
    """What one branch answered, and the INVITE it answers."""

    branch: Branch
    response: Response


def plain(record: Branch | Response | Hangup) -> Branch | Response | Hangup:
    """The same with texts that can be stored."""
    texts = {
        name: short(clean(value))
        for name, value in record._asdict().items()
        if isinstance(value, str)
    }
    return record._replace(**texts)


class Branches:
    """The INVITEs under way, the oldest first."""

    def __init__(self, rows: Iterable[dict] = ()) -> None:
        self._open: OrderedDict[tuple[str, str], Branch] = OrderedDict()
        self._told: dict[tuple[str, str], set[bool]] = {}
        for row in rows:
            at = row["at"] and datetime.fromisoformat(row["at"])
            self.sent(Branch(**row["branch"] | {"at": at}))
            told = {bool(one) for one in row["told"]}
            self._told[row["branch"]["call_id"], row["branch"]["branch"]] = told

    def sent(self, branch: Branch) -> None:
        """An INVITE is under way; a retransmission is the same."""
        key = branch.call_id, branch.branch
        if key in self._open:
            return
        self._open[key], self._told[key] = branch, set()
        if len(self._open) > MOST_OPEN:
            self._forget(next(iter(self._open)))

    def answered(self, response: Response) -> Answered | None:
        """The first 18x of its branch, or the first final answer; else None."""
        key = response.call_id, response.branch
        branch, is_final = self._open.get(key), response.status >= 200
        if branch is None or not self._told[key].isdisjoint({is_final, True}):
            return None
        self._told[key].add(is_final)
        return Answered(branch, response)

    def kept(self) -> list[dict]:
        """As JSON: the newest of those without a final answer."""
        waiting = [key for key in self._open if True not in self._told[key]]
        return [
            {
                "branch": self._open[key]._replace(at=None)._asdict(),
                "at": self._open[key].at and self._open[key].at.isoformat(),
                "told": sorted(self._told[key]),
            }
            for key in waiting[-MOST_KEPT:]
        ]

    def _forget(self, key: tuple[str, str]) -> None:
        del self._open[key]
        del self._told[key]
