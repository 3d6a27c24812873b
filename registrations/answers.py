"""Which answer belongs to which REGISTER: the registrar's first final response decides.

Matched by Call-ID and CSeq; where the log prints neither with the answer, by its key
(Flexisip's pointer), else only when a single request can be meant. A wrong pairing is worse
than none.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

from registrations.formats.record import Answer, Request
from registrations.formats.wire import HEADERS_END, hop_count
from registrations.sip import Register

#: RFC 3261 §17.1.2.2, Timer F: a registrar that has not answered by then will not.
PATIENCE = timedelta(seconds=32)
TICK = timedelta(microseconds=1)
#: Requests that may wait at once, and answers that are remembered for retransmissions.
MOST_WAITING = 2000
#: As many wait once a log has shown no answer at all to `MOST_WAITING` requests: most logs
#: show none, and what waits less is still in the processor's cache when its turn comes.
FEW_WAITING = 100


class Waiting:
    """A REGISTER and the status that answered it, once one did.

    `file_id`: the file its request was read in (its row's key); `log`: what that is a part of.
    """

    __slots__ = ("file_id", "ident", "log", "register", "request", "status")

    def __init__(
        self,
        request: Request,
        register: Register,
        status: int | None = None,
        file_id: int | None = None,
        log: str = "",
    ) -> None:
        self.request, self.register, self.status = request, register, status
        self.file_id, self.log = file_id, log
        #: Call-ID and CSeq: the same for every copy of one request.
        self.ident = register.call_id, register.cseq


class Pairing:
    """Requests wait here for their answer, in the order they were received.

    Where one proxy writes several logs, each has come to a time of its own.
    """

    def __init__(self) -> None:
        self._waiting: dict[Waiting, None] = {}
        self._by_ident: dict[tuple[str, int], list[Waiting]] = {}
        self._by_key: dict[str, list[Waiting]] = {}
        self._known: OrderedDict[tuple[str, int], int] = OrderedDict()
        self._newest: dict[str, datetime] = {}
        #: How many were asked so far, and of those that wait how many have no answer.
        self._asked = self._unanswered = 0

    @property
    def waiting(self) -> list[Waiting]:
        """What waits, in the order it was received."""
        return list(self._waiting)

    def ask(
        self,
        request: Request,
        register: Register,
        *,
        file_id: int | None = None,
        log: str = "",
    ) -> Waiting | None:
        """A request was received. One already answered (a retransmission) knows it.

        None for the copy that the next hop received of a request still here: no new one.
        """
        self._asked += 1
        item = Waiting(request, register, None, file_id, log)
        at, copies = request.at, self._by_ident.get(item.ident)
        if at is not None:
            self.note(at, log)
        if copies and _hops(request) > _hops(copies[0].request):
            return None
        if self._known:
            item.status = self._known.get(item.ident)
        self._take_up(item, copies)
        return item

    def wait(self, item: Waiting) -> None:
        """Take up a request, as one that waited already before a restart."""
        self._take_up(item, self._by_ident.get(item.ident))

    def _take_up(self, item: Waiting, copies: list[Waiting] | None) -> None:
        self._waiting[item] = None
        if copies is None:
            self._by_ident[item.ident] = [item]
        else:
            copies.append(item)
        if item.status is None:
            self._unanswered += 1
            key = item.request.key
            if key is not None:
                self._by_key.setdefault(key, []).append(item)

    def note(self, at: datetime | None, log: str = "") -> None:
        """The time of a log has come to `at`."""
        if at is None:
            return
        newest = self._newest.get(log)
        if newest is None or at > newest:
            self._newest[log] = at

    def answer(self, answer: Answer, log: str = "") -> bool:
        """An answer was seen; True when it is the first final one of a waiting request."""
        self.note(answer.at, log)
        ident = self._ident_of(answer) if answer.status >= 200 else None
        if ident is None or ident in self._known:
            return False
        self._known[ident] = answer.status
        if len(self._known) > MOST_WAITING:
            self._known.popitem(last=False)
        copies = self._by_ident.get(ident, ())
        for item in copies:
            self._settle(item)
            item.status = answer.status
        return bool(copies)

    def _ident_of(self, answer: Answer) -> tuple[str, int] | None:
        if answer.call_id is not None and answer.cseq is not None:
            return answer.call_id, answer.cseq
        if answer.key is not None:
            # A key we do not know belongs to another request: an OPTIONS, an INVITE.
            keyed = self._by_key.get(answer.key)
            return keyed[-1].ident if keyed else None
        idents = {item.ident for item in self._waiting if item.status is None}
        return idents.pop() if len(idents) == 1 else None

    def known_until(self, moment: datetime) -> datetime:
        """`moment`, or just before the first request that still waits for its answer."""
        waits = [
            item.request.at - TICK
            for item in self._waiting
            if item.status is None
            and item.request.at is not None
            and not self._is_over(item)
        ]
        return min([moment, *waits])

    def in_order(self, *, is_last: bool = False) -> list[Waiting]:
        """What can be printed now, none before an earlier one."""
        ready, left, most = [], len(self._waiting), self._most
        for item in self._waiting:
            # A clock that steps back leaves the first one waiting for long.
            if not (is_last or left > most or self._is_settled(item)):
                break
            ready.append(item)
            left -= 1
        for item in ready:
            self._forget(item)
        return ready

    def concluded(self, *, is_last: bool = False) -> list[Waiting]:
        """What is answered, or will not be any more, in the order of the log.

        An AOR's later requests wait behind one of its own that may still be answered, so
        that it makes no difference where a batch ends.
        """
        ready, held_back = [], set()
        for item in self.waiting:
            aor = item.register.aor
            if is_last or (self._is_over(item) and aor not in held_back):
                ready.append(item)
                self._forget(item)
            elif item.request.at is not None:
                held_back.add(aor)
        return ready

    @property
    def _most(self) -> int:
        """How many may wait at once."""
        shows_answers = self._known or self._asked <= MOST_WAITING
        return MOST_WAITING if shows_answers else FEW_WAITING

    def _settle(self, item: Waiting) -> None:
        """It waits for no answer any more."""
        if item.status is None:
            self._unanswered -= 1
            if self._by_key and item.request.key is not None:
                _drop(self._by_key, item.request.key, item)

    def _forget(self, item: Waiting) -> None:
        del self._waiting[item]
        self._settle(item)
        copies = self._by_ident.pop(item.ident)
        if len(copies) > 1:
            copies.remove(item)
            self._by_ident[item.ident] = copies

    def _is_over(self, item: Waiting) -> bool:
        return self._unanswered > self._most or self._is_settled(item)

    def _is_settled(self, item: Waiting) -> bool:
        if item.status is not None:
            return True
        at, newest = item.request.at, self._newest.get(item.log)
        return None not in (at, newest) and newest - at > PATIENCE


def _drop(lists: dict, key, item: Waiting) -> None:
    """Take an item from the list under its key, and the list when it was the last."""
    items = lists[key]
    if len(items) == 1:
        del lists[key]
    else:
        items.remove(item)


def _hops(request: Request) -> int:
    """How far it had come: each proxy adds a Via of its own (RFC 3261 §16.6)."""
    end = HEADERS_END.search(request.raw)
    return hop_count(request.raw[: end.end()] if end else request.raw)
