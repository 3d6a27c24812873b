"""Which INVITE an answer answers: found by its branch, each answer told once. Pure.

A log may show the answer before its INVITE, where several threads write it: such an answer
waits for its INVITE.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from registrations.formats.record import Branch, Hangup, Response
from registrations.storable import clean, short

#: INVITEs that may be under way at once, and of them those a restart remembers.
MOST_OPEN, MOST_KEPT = 5000, 500
#: Answers that may wait for their INVITE at once. In a log without INVITEs none ever comes.
MOST_EARLY = 200


class Answered(NamedTuple):
    """What one branch answered, and the INVITE it answers."""

    branch: Branch
    response: Response


class Heard(NamedTuple):
    """One answer or BYE, and the file it was read in."""

    what: Answered | Hangup
    file_id: int


class Early(NamedTuple):
    """An answer that was read before its INVITE, and the file it was read in."""

    response: Response
    file_id: int


def plain(record: Branch | Response | Hangup) -> Branch | Response | Hangup:
    """The same with texts that can be stored."""
    texts = {
        name: short(clean(value))
        for name, value in record._asdict().items()
        if isinstance(value, str)
    }
    return record._replace(**texts)


class Branches:
    """The INVITEs under way, the oldest first, and the answers that wait for theirs."""

    def __init__(self, rows: Iterable[dict] = ()) -> None:
        self._open: OrderedDict[tuple[str, str], Branch] = OrderedDict()
        self._told: dict[tuple[str, str], set[bool]] = {}
        self._early: deque[Early] = deque(maxlen=MOST_EARLY)
        for row in rows:
            at = row["at"] and datetime.fromisoformat(row["at"])
            if "early" in row:
                response = Response(**row["early"] | {"at": at})
                self._early.append(Early(response, row["file"]))
                continue
            self.sent(Branch(**row["branch"] | {"at": at}))
            told = {bool(one) for one in row["told"]}
            self._told[row["branch"]["call_id"], row["branch"]["branch"]] = told

    def sent(self, branch: Branch) -> list[Heard]:
        """An INVITE is under way; the answers to it that were read before it come back. A
        retransmission is the same INVITE.
        """
        key = branch.call_id, branch.branch
        if key in self._open:
            return []
        self._open[key], self._told[key] = branch, set()
        if len(self._open) > MOST_OPEN:
            self._forget(next(iter(self._open)))
        return self._waited(key) if self._early else []

    def answered(self, response: Response, file_id: int) -> Heard | None:
        """The first 18x of its branch, or the first final answer; else None."""
        key = _key_of(response)
        branch, is_final = self._open.get(key), response.status >= 200
        if branch is None:
            self._early.append(Early(response, file_id))
            return None
        if not self._told[key].isdisjoint({is_final, True}):
            return None
        self._told[key].add(is_final)
        return Heard(Answered(branch, response), file_id)

    def kept(self) -> list[dict]:
        """As JSON: the newest of those without a final answer, and what waits."""
        waiting = [key for key in self._open if True not in self._told[key]]
        return [
            {
                "branch": self._open[key]._replace(at=None)._asdict(),
                "at": _text_of(self._open[key].at),
                "told": sorted(self._told[key]),
            }
            for key in waiting[-MOST_KEPT:]
        ] + [
            {
                "early": one.response._replace(at=None)._asdict(),
                "at": _text_of(one.response.at),
                "file": one.file_id,
            }
            for one in self._early
        ]

    def _waited(self, key: tuple[str, str]) -> list[Heard]:
        """What waited for the INVITE with this key, in the order it was read."""
        own = [one for one in self._early if _key_of(one.response) == key]
        for one in own:
            self._early.remove(one)
        told = (self.answered(*one) for one in own)
        return [one for one in told if one is not None]

    def _forget(self, key: tuple[str, str]) -> None:
        del self._open[key]
        del self._told[key]


def _key_of(response: Response) -> tuple[str, str]:
    return response.call_id, response.branch


def _text_of(at: datetime | None) -> str | None:
    return at and at.isoformat()
