"""Puts pushes on the wire, each with a deadline inside its life, and times every try.

The event loop's thread sends; the worker's own thread claims and records meanwhile, so an
answer that is long in coming holds up no other push.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from notifications.apns import ApnsError, ApnsPush, Client, Outcome, Result, threads
from notifications.clients import client_for
from notifications.credentials import CredentialError
from notifications.journal import Ended, Journal
from notifications.models import Credential, Push
from notifications.window import LATE_SECONDS

#: Seconds a try may take: a call cannot wait longer, a message can.
DEADLINE_SECONDS = {"voip": 5.0, "alert": 30.0, "background": 30.0}
#: What the loop's thread gets beyond the longest deadline before we call it lost.
SLACK_SECONDS = 15.0
#: How long the first of several that end waits for others to be recorded with.
LINGER_SECONDS = 0.02

#: App and environment: what a credential is for.
Place = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Try:
    """One try of one push: when it started and ended (UTC), and its result."""

    push: Push
    started_at: datetime
    ended_at: datetime
    result: Result

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.ended_at - self.started_at).total_seconds()

    @property
    def is_late(self) -> bool:
        """Nobody answered, or not soon."""
        is_lost = self.result.outcome == Outcome.UNKNOWN
        return is_lost or self.seconds > LATE_SECONDS


class Sender:
    """The tries this process has under way. One thread begins them and takes their ends."""

    def __init__(self, clock: Callable[[], datetime], journal: Journal) -> None:
        self._clock, self._journal = clock, journal
        self._under_way: Counter[Place] = Counter()
        self._lost_at = 0.0
        #: What ended and was not taken yet, appended by the loop's thread.
        self._found: list[tuple[Place, Try | BaseException]] = []
        self._news = threading.Condition()

    def __len__(self) -> int:
        """Tries that were begun and not taken by `ended` yet."""
        return self._under_way.total()

    @property
    def places(self) -> set[Place]:
        """Where something is under way."""
        return {place for place, count in self._under_way.items() if count}

    def begin(self, pushes: list[Push], credentials: dict[Place, Credential]) -> None:
        """Begin one try a push; nothing leaves after its `expires_at`."""
        ready = []
        for push in pushes:
            self._under_way[place_of(push)] += 1
            prepared = _prepare(push, credentials.get(place_of(push)), self._clock())
            if isinstance(prepared, Result):
                now = self._clock()
                self._end(push, Try(push, now, now, prepared))
            else:
                ready.append((push, *prepared))
        if ready:
            longest = max(DEADLINE_SECONDS[push.push_type] for push, *_ in ready)
            self._lost_at = time.monotonic() + longest + SLACK_SECONDS
            threads.start(self._send_side_by_side(ready))

    def ended(self, wait_seconds: float) -> list[Try]:
        """Tries that came to an end, whatever happened; none when `wait_seconds` pass
        before one does. Raises what went wrong beside APNs and the network.
        """
        with self._news:
            if self._news.wait_for(lambda: self._found, wait_seconds):
                # Recorded together they cost a fraction of what each costs by itself.
                self._news.wait_for(self._is_half, LINGER_SECONDS)
            found, self._found = self._found, []
        self._under_way.subtract(place for place, _ in found)
        if not found and len(self) and time.monotonic() > self._lost_at:
            raise TimeoutError(f"{len(self)} tries never came to an end")
        tries = []
        for _, one in found:
            if isinstance(one, BaseException):
                raise one
            tries.append(one)
        return tries

    def wait(self) -> None:
        """Until nothing is on the wire any more: the journal then knows all there is to."""
        with self._news:
            self._news.wait_for(
                lambda: len(self._found) == len(self),
                max(0.0, self._lost_at - time.monotonic()),
            )

    def _is_half(self) -> bool:
        return 2 * len(self._found) >= len(self)

    def _end(self, push: Push, one: Try | BaseException) -> None:
        with self._news:
            self._found.append((place_of(push), one))
            if len(self._found) == 1 or self._is_half():
                self._news.notify()

    async def _send_side_by_side(self, ready: list) -> None:
        tasks = [asyncio.create_task(self._try(*item)) for item in ready]
        for task, (push, *_) in zip(tasks, ready, strict=True):
            task.add_done_callback(partial(self._landed, push))
        await asyncio.wait(tasks)

    def _landed(self, push: Push, task: asyncio.Task[Try]) -> None:
        self._end(push, task.exception() or task.result())

    async def _try(self, push: Push, client: Client, wire: ApnsPush) -> Try:
        started_at = self._clock()
        left = (push.expires_at - started_at).total_seconds()
        if left <= 0:
            return Try(push, started_at, started_at, _not_sent("its life was over"))
        deadline = min(DEADLINE_SECONDS[push.push_type], left)
        key = key_of(push)
        result = await client.send(wire, deadline, self._journal.note_leaving, key)
        ended = Ended(started_at, self._clock(), result)
        self._journal.note_end(key, ended)
        return Try(push, ended.started_at, ended.ended_at, result)


def key_of(push: Push) -> str:
    """What the journal calls the push's next try."""
    return f"{push.pk}/{push.attempt_count + 1}"


def place_of(push: Push) -> Place:
    """Whose credential the push goes out with."""
    return push.app_id, push.environment


def _prepare(
    push: Push, credential: Credential | None, now: datetime
) -> tuple[Client, ApnsPush] | Result:
    if credential is None:
        return _not_sent("the app has no credential for this environment")
    if credential.expires_at is not None and credential.expires_at <= now:
        return _not_sent("the certificate has expired: store a new one on Settings")
    try:
        return client_for(credential), _on_the_wire(push)
    except (CredentialError, ApnsError) as error:
        return _not_sent(str(error))


def _on_the_wire(push: Push) -> ApnsPush:
    return ApnsPush(
        token=push.token.token,
        topic=push.topic,
        push_type=push.push_type,
        priority=push.priority,
        expiration=push.expires_at,
        apns_id=str(push.pk),
        collapse_id=push.collapse_id,
        payload=push.payload,
    )


def _not_sent(detail: str) -> Result:
    return Result(outcome=Outcome.NOT_SENT, detail=detail)
