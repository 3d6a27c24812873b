"""A bulk: started once, worked off at its rate, stopped by a person.

Rows are done in the transaction that writes their result, so a dead worker repeats and
loses none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.utils.translation import gettext

from notifications import audit
from notifications.bulk_plan import Plan
from notifications.bulk_rows import do
from notifications.models import Bulk, BulkItem
from notifications.outbox import CannotSend
from notifications.safety import UNDO

RATES = (1, 5, 10, 20, 50)
#: Two looks closer together than this are one: several workers keep one rate.
PERIOD = timedelta(milliseconds=800)
#: Of a rate the rows that are done at one look.
LONGEST_LOOK = timedelta(seconds=3)
#: The audit's words for what is no resend.
STARTED = {Bulk.Kind.TEST: "bulk.test", Bulk.Kind.RESET: "bulk.reset"}


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkOrder:
    """What a person confirmed; `key` is the form's."""

    key: UUID
    plan: Plan
    address: str
    rate: int
    by: AbstractBaseUser
    reason: str = ""


def start(order: BulkOrder, now: datetime) -> Bulk:
    """Store the order, its rows and its audit entry; the same key gives the same bulk.

    Raises CannotSend when nothing is to be done, or another bulk took one of the rows since
    the dry run.
    """
    known = Bulk.objects.filter(pk=order.key, by=order.by).first()
    if known is not None:
        return known
    if not order.plan.sent:
        raise CannotSend(gettext("Nothing would be done."))
    try:
        with transaction.atomic():
            return _stored(order, now)
    except IntegrityError:
        # A double click: the other request stored the same order just before.
        known = Bulk.objects.filter(pk=order.key, by=order.by).first()
        if known is not None:
            return known
        raise CannotSend(
            gettext(
                "Somebody took some of these just now. This dry run is new: look again."
            )
        ) from None


def _stored(order: BulkOrder, now: datetime) -> Bulk:
    bulk = Bulk.objects.create(
        pk=order.key,
        created_at=now,
        starts_at=now + UNDO,
        by=order.by,
        kind=order.plan.kind,
        address=order.address,
        rate=order.rate,
        reason=order.reason,
    )
    BulkItem.objects.bulk_create(
        [
            BulkItem(
                bulk=bulk,
                push=line.push,
                device=line.device,
                push_type=line.push_type,
                why=line.why,
                result=_result(line.why),
            )
            for line in order.plan.lines
        ],
        batch_size=1000,
    )
    facts = {"bulk": str(bulk.pk), "left_out": len(order.plan.left_out)}
    if order.address:
        facts["query"] = order.address
    subject = _subject(bulk, len(order.plan.sent))
    action = STARTED.get(bulk.kind, "bulk.start")
    audit.note(order.by, action, subject, now, reason=order.reason, **facts)
    return bulk


def _subject(bulk: Bulk, number: int) -> str:
    return f"{number} {'devices' if bulk.is_of_devices else 'pushes'}"


def _result(why: str) -> str:
    return BulkItem.Result.REFUSED if why else BulkItem.Result.WAITING


@transaction.atomic
def cancel(bulk: Bulk, by: AbstractBaseUser, now: datetime) -> int | None:
    """Stop it: what still waits is not done. How many; None when it had ended."""
    running = Bulk.objects.select_for_update().filter(state=Bulk.State.RUNNING)
    found = running.filter(pk=bulk.pk).first()
    if found is None:
        return None
    waiting = found.items.filter(result=BulkItem.Result.WAITING)
    number = waiting.update(result=BulkItem.Result.CANCELLED)
    found.state, found.ended_at = Bulk.State.CANCELLED, now
    found.save(update_fields=["state", "ended_at"])
    audit.note(by, "bulk.cancel", _subject(found, number), now, bulk=str(found.pk))
    return number


def work_off(now: datetime) -> int:
    """Do the next rows of each bulk that runs; how many rows got a result."""
    due = Bulk.objects.filter(state=Bulk.State.RUNNING, starts_at__lte=now)
    return sum(_work_off(pk, now) for pk in due.values_list("pk", flat=True))


@transaction.atomic
def _work_off(pk: UUID, now: datetime) -> int:
    rows = Bulk.objects.select_for_update(skip_locked=True)
    bulk = rows.filter(pk=pk, state=Bulk.State.RUNNING).select_related(None).first()
    if bulk is None or (bulk.worked_at and now - bulk.worked_at < PERIOD):
        return 0
    waiting = bulk.items.filter(result=BulkItem.Result.WAITING)
    items = list(waiting.select_related("push__device", "device")[: _room(bulk, now)])
    for item in items:
        do(item, bulk, now)
    bulk.worked_at = now
    if not waiting.exists():
        bulk.state, bulk.ended_at = Bulk.State.DONE, now
    bulk.save(update_fields=["worked_at", "state", "ended_at"])
    return len(items)


def _room(bulk: Bulk, now: datetime) -> int:
    since = min(now - bulk.worked_at, LONGEST_LOOK) if bulk.worked_at else PERIOD
    return max(1, round(bulk.rate * since.total_seconds()))
