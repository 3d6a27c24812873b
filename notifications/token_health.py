"""What APNs' answers mean for a token: retired, quarantined, or back (APNS.md A3, A5).

The one writer of TokenHealth and its history. Nothing is ever taken from `registrations`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from notifications.apns import REASONS, Kind, Outcome, Result
from notifications.columns import execute, unnested
from notifications.models import TokenHealth, TokenHealthChange
from notifications.sending import Try
from registrations.models import Holding, PushToken

State = TokenHealth.State
STATE_OF_KIND = {
    Kind.GONE: State.RETIRED,
    Kind.ELSEWHERE: State.QUARANTINED,
    Kind.OTHER_TOPIC: State.WRONG_TOPIC,
}
STATE_OF_REASON = {
    reason.name: STATE_OF_KIND[reason.kind]
    for reason in REASONS.values()
    if reason.kind in STATE_OF_KIND
}
#: Columns of a TokenHealth, with their types.
COLUMNS = {
    "token_id": "int8",
    "state": "text",
    "reason": "text",
    "at": "timestamptz",
    "last_accepted_at": "timestamptz",
    "environment": "text",
}
UPSERT = f"""
    INSERT INTO {TokenHealth._meta.db_table} ({", ".join(COLUMNS)})
    SELECT {", ".join(COLUMNS)} FROM {unnested("new", COLUMNS)}
    ON CONFLICT (token_id) DO UPDATE SET
    {", ".join(f"{name} = EXCLUDED.{name}" for name in COLUMNS)}"""
KNOWN = f"""
    SELECT {", ".join(COLUMNS)} FROM {TokenHealth._meta.db_table}
    WHERE token_id = ANY(%b) ORDER BY token_id FOR UPDATE"""


def state_after(result: Result, at: datetime, registered_at: datetime | None):
    """The state an answer at `at` puts a token into, None when it says nothing of it.

    A 410 says since when the token is gone: one older than its last REGISTER is stale.
    """
    if result.outcome == Outcome.ACCEPTED:
        return State.VALID
    state = STATE_OF_REASON.get(result.reason)
    gone_since = result.gone_since or at
    is_stale = registered_at is not None and gone_since < registered_at
    return None if state == State.RETIRED and is_stale else state


def environment_of(token: PushToken) -> str:
    """Where a token is good: where APNs accepted it, else as its REGISTER says."""
    health = getattr(token, "health", None)
    return (health and health.environment) or token.environment


def note(tries: Iterable[Try]) -> None:
    """Write what these answers say of their tokens; the newest answer counts."""
    newest = {}
    for done in sorted(tries, key=lambda one: one.ended_at):
        # Only a refusal has to be compared with the last REGISTER, which is a query.
        is_refused = done.result.reason in STATE_OF_REASON
        registered_at = done.push.token.registered_at if is_refused else None
        state = state_after(done.result, done.ended_at, registered_at)
        if state is not None:
            newest[done.push.token_id] = (done, state)
    if not newest:
        return
    known = {row[0]: Health(*row) for row in execute(KNOWN, [list(newest)])}
    _write(
        [
            _news(known.get(token), done, state)
            for token, (done, state) in sorted(newest.items())
            if token not in known or known[token].at <= done.ended_at
        ]
    )


class Health(NamedTuple):
    """A row of TokenHealth: a model each would cost a tenth of a worker's time."""

    token_id: int
    state: str
    reason: str
    at: datetime
    last_accepted_at: datetime | None
    environment: str


@dataclass(frozen=True, slots=True)
class News:
    """A row as it will be, the state it had, and why; history tells what `is_told`."""

    row: Health
    at: datetime
    before: str
    why: str
    is_told: bool


def _news(old: Health | None, done: Try, state: str) -> News:
    push, at = done.push, done.ended_at
    before = State.VALID if old is None else old.state
    is_valid = state == State.VALID
    known_place = old.environment if old else ""
    accepted_at = old and old.last_accepted_at
    is_elsewhere = push.environment != (known_place or push.token.environment)
    if is_elsewhere and not is_valid:  # says nothing of the token where it is known
        row = old or Health(push.token_id, before, "", at, None, "")
        return News(
            row, at, before, f"{done.result.reason} in {push.environment} too", True
        )
    place = push.environment if is_elsewhere else known_place
    row = Health(
        push.token_id,
        state,
        "" if is_valid else done.result.reason,
        at,
        at if is_valid else accepted_at,
        "" if place == push.token.environment else place,
    )
    why = row.reason or "APNs accepted a push to it"
    if is_elsewhere:
        why = f"APNs accepted a push in {push.environment}"
    return News(row, at, before, why, is_elsewhere or before != state)


def _write(news: list[News]) -> None:
    if not news:
        return
    rows = [one.row for one in news]
    execute(UPSERT, [list(column) for column in zip(*rows, strict=True)])
    TokenHealthChange.objects.bulk_create(
        TokenHealthChange(
            token_id=one.row.token_id,
            at=one.at,
            before=one.before,
            after=one.row.state,
            reason=one.why,
        )
        for one in news
        if one.is_told
    )


@transaction.atomic
def revive() -> int:
    """Bring back tokens a REGISTER has carried since APNs refused them; how many."""
    carried = Holding.objects.filter(
        token=OuterRef("token"),
        current=True,
        missing_since=None,
        device__last_registered_at__gt=OuterRef("at"),
    )
    refused = TokenHealth.objects.exclude(state=State.VALID)
    again = refused.filter(Exists(carried) | Q(token__last_registered_at__gt=F("at")))
    rows = list(again.select_for_update(of=("self",), skip_locked=True))
    for row in rows:
        registered_at = row.token.registered_at
        TokenHealthChange.objects.create(
            token_id=row.token_id, at=registered_at, before=row.state,
            after=State.VALID, reason="a REGISTER carried it again",
        )  # fmt: skip
        row.state, row.reason, row.at = State.VALID, "", registered_at
    TokenHealth.objects.bulk_update(rows, ["state", "reason", "at"])
    return len(rows)
