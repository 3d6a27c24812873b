"""Puts pushes on the wire, each with a deadline inside its life, and times every try."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from notifications.apns import ApnsError, ApnsPush, Client, Outcome, Result, threads
from notifications.clients import client_for
from notifications.credentials import CredentialError
from notifications.journal import Ended, Journal
from notifications.models import Credential, Push

#: Seconds a try may take: a call cannot wait longer, a message can.
DEADLINE_SECONDS = {"voip": 5.0, "alert": 30.0, "background": 30.0}
#: What the loop thread gets beyond the longest deadline before we call it lost.
SLACK_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Try:
    """One try of one push: when it started and ended (UTC), and its result."""

    push: Push
    started_at: datetime
    ended_at: datetime
    result: Result


def send_all(
    pushes: list[Push],
    credentials: dict[tuple[int, str], Credential],
    clock: Callable[[], datetime],
    journal: Journal,
) -> list[Try]:
    """One Try a push, whatever happens; nothing leaves after its `expires_at`."""
    tries, ready = [], []
    for push in pushes:
        credential = credentials.get((push.app_id, push.environment))
        prepared = _prepare(push, credential, clock())
        if isinstance(prepared, Result):
            now = clock()
            tries.append(Try(push, now, now, prepared))
        else:
            ready.append((push, *prepared))
    if ready:
        longest = max(DEADLINE_SECONDS[push.push_type] for push, *_ in ready)
        tries += threads.run(
            _send_side_by_side(ready, clock, journal), longest + SLACK_SECONDS
        )
    return tries


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


async def _send_side_by_side(
    ready: list, clock: Callable[[], datetime], journal: Journal
) -> list[Try]:
    return await asyncio.gather(*(_send(*item, clock, journal) for item in ready))


async def _send(
    push: Push,
    client: Client,
    wire: ApnsPush,
    clock: Callable[[], datetime],
    journal: Journal,
) -> Try:
    started_at = clock()
    left = (push.expires_at - started_at).total_seconds()
    if left <= 0:
        return Try(push, started_at, started_at, _not_sent("its life was over"))
    deadline = min(DEADLINE_SECONDS[push.push_type], left)
    result = await client.send(wire, deadline, lambda: journal.note_leaving(push.pk))
    ended = Ended(started_at, clock(), result)
    journal.note_end(push.pk, ended)
    return Try(push, ended.started_at, ended.ended_at, result)


def _not_sent(detail: str) -> Result:
    return Result(outcome=Outcome.NOT_SENT, detail=detail)
