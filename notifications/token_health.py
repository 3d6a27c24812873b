"""What APNs' answers mean for a token: retired, quarantined, or back (APNS.md A3, A5).

The one writer of TokenHealth and its history. Nothing is ever taken from `registrations`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from notifications.apns import Outcome, Result
from notifications.models import TokenHealth, TokenHealthChange
from notifications.sending import Try
from registrations.models import Holding

State = TokenHealth.State
STATE_OF_REASON = {
    "Unregistered": State.RETIRED,
    "ExpiredToken": State.RETIRED,
    "BadDeviceToken": State.QUARANTINED,
    "DeviceTokenNotForTopic": State.WRONG_TOPIC,
}
FIELDS = ["state", "reason", "at", "last_accepted_at"]


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
    rows = TokenHealth.objects.filter(token__in=newest).order_by("token")
    known = {row.token_id: row for row in rows.select_for_update(of=("self",))}
    made = [
        _row(known.get(token), done, state)
        for token, (done, state) in sorted(newest.items())
        if token not in known or known[token].at <= done.ended_at
    ]
    _write(made, known)


def _row(old: TokenHealth | None, done: Try, state: str) -> TokenHealth:
    is_valid = state == State.VALID
    last = done.ended_at if is_valid else old and old.last_accepted_at
    return TokenHealth(
        token_id=done.push.token_id,
        state=state,
        reason="" if is_valid else done.result.reason,
        at=done.ended_at,
        last_accepted_at=last,
    )


def _write(rows: list[TokenHealth], known: dict[int, TokenHealth]) -> None:
    changes = [
        TokenHealthChange(
            token_id=row.token_id, at=row.at, before=before, after=row.state,
            reason=row.reason or "APNs accepted a push to it",
        )
        for row in rows
        if (before := _state(known.get(row.token_id))) != row.state
    ]  # fmt: skip
    TokenHealth.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["token"], update_fields=FIELDS
    )
    TokenHealthChange.objects.bulk_create(changes)


def _state(row: TokenHealth | None) -> str:
    return State.VALID if row is None else row.state


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
