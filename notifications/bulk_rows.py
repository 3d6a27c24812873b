"""One row of a bulk, when its turn comes: looked at once more, done, its result kept."""

from __future__ import annotations

from datetime import datetime, timedelta

from notifications.bulk_devices import NO_STRIKES, NO_VOIP_TOKEN, RESET_JUST_NOW
from notifications.bulk_plan import NO_TOKEN
from notifications.models import Bulk, BulkItem, Reset
from notifications.outbox import CannotSend
from notifications.resend import Order, send
from notifications.resend_facts import facts_of
from notifications.resetting import ResetOrder, reset
from notifications.safety import is_safe
from registrations.models import Device, PushToken


def do(item: BulkItem, bulk: Bulk, now: datetime) -> None:
    """Do what the bulk is for; the dry run is older than this moment."""
    act = _reset if bulk.kind == Bulk.Kind.RESET else _send
    item.result = act(item, bulk, now)
    item.save(update_fields=["result", "why", "resend"])


def _send(item: BulkItem, bulk: Bulk, now: datetime) -> str:
    item.why = _against(item, now)
    if not item.why:
        order = Order(
            device=item.whom,
            push_type=item.push_type,
            reason=bulk.reason,
            by=bulk.by,
            resend_of=item.push,
            wait=timedelta(0),
        )
        try:
            item.resend = send(order, now)
        except CannotSend as refusal:
            item.why = str(refusal)
    return BulkItem.Result.REFUSED if item.why else BulkItem.Result.QUEUED


def _against(item: BulkItem, now: datetime) -> str:
    facts = facts_of(item.whom, [item.push_type], now)[item.push_type]
    if not facts.is_current:
        return NO_TOKEN
    against = is_safe(facts).against
    return against.title if against else ""


def _reset(item: BulkItem, bulk: Bulk, now: datetime) -> str:
    token = _voip_token(item.whom)
    item.why = _against_reset(token)
    if item.why:
        return BulkItem.Result.REFUSED
    order = ResetOrder(device=item.whom, token=token, by=bulk.by, reason=bulk.reason)
    reset(order, now)
    return BulkItem.Result.RESET


def _against_reset(token: PushToken | None) -> str:
    if token is None:
        return NO_VOIP_TOKEN
    if Reset.objects.filter(token=token, counted=False).exists():
        return RESET_JUST_NOW
    ledger = getattr(token, "ledger", None)
    return "" if ledger is not None and ledger.strikes else NO_STRIKES


def _voip_token(device: Device) -> PushToken | None:
    held = device.holdings.filter(current=True, token__kind=PushToken.Kind.VOIP)
    holding = held.select_related("token__ledger").last()
    return holding.token if holding else None
