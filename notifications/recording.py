"""Writes what a try came to: its Attempt, the push's next state, the token's health."""

from __future__ import annotations

import logging
import random
from datetime import datetime

from django.db import connection, transaction

from notifications import advancing, breaker, ending, token_health
from notifications.apns import Outcome
from notifications.models import Attempt, Push
from notifications.retrying import next_step
from notifications.sending import Try

logger = logging.getLogger(__name__)

#: Columns of an Attempt, with their types.
ATTEMPT = {
    "push_id": "uuid",
    "number": "int2",
    "started_at": "timestamptz",
    "ended_at": "timestamptz",
    "outcome": "text",
    "status": "int2",
    "reason": "text",
    "detail": "text",
    "apns_id": "text",
    "apns_unique_id": "text",
    "gone_since": "timestamptz",
    "latency_ms": "float8",
}
COPY = (
    f"COPY {Attempt._meta.db_table} ({', '.join(ATTEMPT)}) FROM STDIN (FORMAT BINARY)"
)


def record(tries: list[Try], owner: int | None, now: datetime) -> None:
    """One Attempt a try, and every push to its next state, in one transaction.

    Only for rows `owner` still holds: what was taken over is told by who took it.
    """
    with transaction.atomic():
        rows = Push.objects.held_by(owner).select_for_update()
        held = set(rows.values_list("pk", flat=True))
        tries = [done for done in tries if done.push.pk in held]
        attempts = [_attempt(done) for done in tries]
        for done in tries:
            _advance(done, now)
        _store(attempts)
        ending.settle([done.push for done in tries])
        advancing.save([done.push for done in tries])
        breaker.note(tries, now)
        token_health.note(breaker.believed(tries, now))
    for done in tries:
        logger.info(
            "push tried",
            extra={
                "push": done.push.pk,
                "outcome": done.result.outcome.value,
                "reason": done.result.reason or done.result.detail,
            },
        )


def _attempt(done: Try) -> tuple:
    result = done.result
    return (
        done.push.pk,
        done.push.attempt_count + 1,
        done.started_at,
        done.ended_at,
        result.outcome.value,
        result.status,
        result.reason,
        result.detail,
        result.apns_id or "",
        result.apns_unique_id or "",
        result.gone_since,
        done.seconds * 1000,
    )


def _store(attempts: list[tuple]) -> None:
    """No models: a quarter of the time of recording went into making them."""
    if not attempts:
        return
    with connection.cursor() as cursor, cursor.copy(COPY) as copy:
        copy.set_types(list(ATTEMPT.values()))
        for row in attempts:
            copy.write_row(row)


def _advance(done: Try, now: datetime) -> None:
    push, result = done.push, done.result
    push.attempt_count += 1
    step = next_step(
        push_type=push.push_type,
        result=result,
        tries=push.attempt_count,
        now=now,
        expires_at=push.expires_at,
        jitter=random.random(),
    )
    push.state = step.state
    push.reason = result.reason or result.detail
    push.owner = push.claimed_at = None
    if result.outcome != Outcome.NOT_SENT and push.sent_at is None:
        push.sent_at = done.started_at
    if step.due_at is not None:
        push.due_at = step.due_at
    else:
        push.ended_at = done.ended_at
    if result.outcome == Outcome.ACCEPTED:
        push.accepted_at = done.ended_at
