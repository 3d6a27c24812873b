"""Drains the outbox: claim rows, put them on the wire, record what happened.

No transaction is open while anything is sent. Order of the commits: claimed (an owner is
named), departed (from here on the owner's journal tells what left), recorded.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction

from notifications import breaker, reaping, recording
from notifications.journal import Journal
from notifications.models import Credential, Push
from notifications.ownership import Owner
from notifications.pacing import Pace
from notifications.sending import send_all

logger = logging.getLogger(__name__)

BATCH = 200
VOIP = (Push.Type.VOIP,)
BULK = (Push.Type.ALERT, Push.Type.BACKGROUND)


class NotOurs(Exception):
    """Rows we had claimed belong to another worker now: our session was lost."""


def drain(
    push_types: Sequence[str],
    owner: Owner,
    clock: Callable[[], datetime],
    budget: timedelta,
) -> list[Push]:
    """Send what is due, until nothing is or `budget` is used up. Returns what it handled.

    A call that was just stored goes first, what dead workers left behind after it. When it
    raises, `owner` must be closed: its rows are then reaped by its journal.
    """
    until = clock() + budget
    handled = _send_due(push_types, owner, clock, until)
    reaping.expire(clock())
    if reaping.reap(owner.folder, clock()):
        handled += _send_due(push_types, owner, clock, until)
    return handled


def _send_due(
    push_types: Sequence[str],
    owner: Owner,
    clock: Callable[[], datetime],
    until: datetime,
) -> list[Push]:
    number, handled = owner.number(), []
    while clock() < until and (pushes := claim(push_types, number, clock())):
        deliver(pushes, number, owner.journal, clock)
        handled += pushes
    return handled


@transaction.atomic
def claim(push_types: Sequence[str], owner: int, now: datetime) -> list[Push]:
    """Take up to BATCH due rows for `owner`; rows other workers hold are skipped.

    None of a credential that pauses, and one alone where a pause has just passed; none
    beyond a limit.
    """
    credentials = list(Credential.objects.defer("sealed_key", "ca_pem"))
    pace = Pace(credentials, now)
    due = Push.objects.filter(
        state=Push.State.QUEUED,
        push_type__in=push_types,
        due_at__lte=now,
        expires_at__gt=now,
    )
    closed = breaker.paused_places(credentials, now)
    if Push.Type.VOIP not in push_types:
        closed |= pace.full_places()
    for app, environment in closed:
        due = due.exclude(app=app, environment=environment)
    pushes = list(
        due.select_for_update(skip_locked=True, of=("self",))
        .select_related("token")
        .order_by("due_at")[:BATCH]
    )
    if not pushes:
        return []
    pushes = _one_each(pushes, breaker.probed_places(credentials, now))
    pushes, waiting = pace.admit(pushes)
    pace.save()
    _commit_unhurried()
    if waiting:
        Push.objects.bulk_update(waiting, ["due_at", "reason"])
    Push.objects.filter(pk__in=[push.pk for push in pushes]).update(
        state=Push.State.SENDING, owner=owner, departed_at=None
    )
    return pushes


def _commit_unhurried() -> None:
    """This transaction need not reach the disk by itself: nothing leaves before the
    departure is committed, and that makes all before it durable.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")


def _one_each(pushes: list[Push], places: set[breaker.Place]) -> list[Push]:
    """The pushes, but only the first of each of these places."""
    kept, seen = [], set()
    for push in pushes:
        place = (push.app_id, push.environment)
        if place not in places or place not in seen:
            kept.append(push)
        seen.add(place)
    return kept


def deliver(
    pushes: list[Push],
    number: int,
    journal: Journal,
    clock: Callable[[], datetime],
) -> None:
    """Send claimed rows side by side and record every outcome in one transaction.

    Raises NotOurs when the rows were taken from us meanwhile; nothing is sent then.
    """
    credentials = _credentials_of(pushes)
    ours = Push.objects.held_by(number).filter(pk__in=[push.pk for push in pushes])
    if ours.update(departed_at=clock()) != len(pushes):
        raise NotOurs(f"rows of owner {number} were taken over")
    tries = send_all(pushes, credentials, clock, journal)
    recording.record(tries, number, clock())
    journal.clear()


def _credentials_of(pushes: list[Push]) -> dict[tuple[int, str], Credential]:
    rows = Credential.objects.filter(app__in={push.app_id for push in pushes})
    return {(row.app_id, row.environment): row for row in rows}
