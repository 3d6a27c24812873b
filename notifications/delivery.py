"""Drains the outbox: claim rows, put them on the wire, record what happened.

No transaction is open while anything is sent. Order of the commits: claimed (an owner is
named, whose journal tells from here on what left), recorded.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence, Set
from datetime import datetime, timedelta

from django.db import transaction

from notifications import advancing, breaker, clients, reaping, recording
from notifications.models import Credential, Push
from notifications.ownership import Owner
from notifications.pacing import Pace
from notifications.sending import Place, Sender, place_of
from notifications.window import FIRST, Window

logger = logging.getLogger(__name__)

#: How often a worker that waits for answers looks for what else is due.
LOOK_SECONDS = 0.025
#: How often a busy worker sees to what dead ones left.
TIDY_EVERY = timedelta(seconds=1)
VOIP = (Push.Type.VOIP,)
BULK = (Push.Type.ALERT, Push.Type.BACKGROUND)


def drain(
    push_types: Sequence[str],
    owner: Owner,
    clock: Callable[[], datetime],
    budget: timedelta,
) -> Iterator[list[Push]]:
    """Send what is due, until nothing is or `budget` is used up. Yields what it recorded.

    A call that was just stored goes first, what dead workers left behind after it. When it
    raises, `owner` must be closed: its rows are then reaped by its journal.
    """
    until = clock() + budget
    yield from _send_due(push_types, owner, clock, until)
    if _tidy(owner, clock()):
        yield from _send_due(push_types, owner, clock, until)


def _send_due(
    push_types: Sequence[str],
    owner: Owner,
    clock: Callable[[], datetime],
    until: datetime,
) -> Iterator[list[Push]]:
    number = owner.number()
    sender, window = Sender(clock, owner.journal), Window()
    tidy_at = clock() + TIDY_EVERY
    try:
        while True:
            while clock() < until and (room := window.room(len(sender))):
                pushes = claim(push_types, number, clock(), sender.places, room)
                if not pushes:
                    break
                sender.begin(pushes, _credentials_of(pushes))
            if not len(sender):
                break
            if clock() >= tidy_at:
                _tidy(owner, clock())
                tidy_at = clock() + TIDY_EVERY
            tries = sender.ended(LOOK_SECONDS)
            late = sum(done.is_late for done in tries)
            window.learn(len(tries) - late, late)
            if tries:
                recording.record(tries, number, clock())
                yield [done.push for done in tries]
    finally:
        sender.wait()
    owner.journal.clear()


def _tidy(owner: Owner, now: datetime) -> bool:
    """See to rows past their life, to connections nobody may push on any more, and to rows
    of dead workers; True with any of these.
    """
    clients.let_go_of_refused(now)
    reaping.expire(now)
    return reaping.reap(owner.folder, now)


@transaction.atomic
def claim(
    push_types: Sequence[str],
    owner: int,
    now: datetime,
    busy: Set[Place] = frozenset(),
    most: int = FIRST,
) -> list[Push]:
    """Take up to `most` due rows for `owner`; rows other workers hold are skipped.

    None of a credential that pauses, and one alone where a pause has just passed: none as
    long as that one is under way, its place among the `busy`. None beyond a limit.
    """
    credentials = list(Credential.objects.defer("sealed_key", "ca_pem"))
    pace = Pace(credentials, now)
    due = Push.objects.filter(
        state=Push.State.QUEUED,
        push_type__in=push_types,
        due_at__lte=now,
        expires_at__gt=now,
    )
    probed = breaker.probed_places(credentials, now)
    closed = breaker.paused_places(credentials, now) | (probed & busy)
    if Push.Type.VOIP not in push_types:
        closed |= pace.full_places()
    for app, environment in closed:
        due = due.exclude(app=app, environment=environment)
    pushes = list(
        due.select_for_update(skip_locked=True, of=("self",))
        .select_related("token")
        .order_by("due_at")[:most]
    )
    if not pushes:
        return []
    pushes = _one_each(pushes, probed)
    pushes, waiting = pace.admit(pushes)
    pace.save()
    if waiting:
        Push.objects.bulk_update(waiting, ["due_at", "reason"])
    advancing.claim(pushes, owner, now)
    return pushes


def _one_each(pushes: list[Push], places: set[Place]) -> list[Push]:
    """The pushes, but only the first of each of these places."""
    kept, seen = [], set()
    for push in pushes:
        place = place_of(push)
        if place not in places or place not in seen:
            kept.append(push)
        seen.add(place)
    return kept


def _credentials_of(pushes: list[Push]) -> dict[Place, Credential]:
    rows = Credential.objects.filter(app__in={push.app_id for push in pushes})
    return {(row.app_id, row.environment): row for row in rows}
