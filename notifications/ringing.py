"""Calls told by alert, for apps without CallKit: again each few seconds until the call ends.

All alerts of a call have its Call-ID as collapse-id, so the phone shows one; the last says
how it ended. What other devices answered is seen in the logs.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from notifications.models import Push, Ringing
from notifications.outbox import CannotSend, PushRequest, enqueue
from notifications.payloads import ending_text
from registrations.models import Sighting

MOST = 200
#: SIP answers that end a call for all devices of the AOR (RFC 3261 §21.6).
DECLINED = range(600, 700)


@transaction.atomic
def ring(now: datetime) -> list[Push]:
    """The alerts that are due now, queued."""
    due = Ringing.objects.filter(ended="", next_at__lte=now).select_for_update(
        skip_locked=True, of=("self",)
    )
    rows = due.select_related("push__device", "push__app", "push__token")
    pushes = []
    for row in rows.order_by("next_at")[:MOST]:
        row.ended = ended_as(row, now)
        row.next_at = max(row.next_at, now) + timedelta(seconds=row.interval_seconds)
        pushes += _told(row, now)
        row.save(update_fields=["ended", "next_at"])
    return pushes


def ended_as(row: Ringing, now: datetime) -> str:
    """`answered` by the device itself, `accepted` or `declined` elsewhere, `missed`; empty
    while it rings.
    """
    push = row.push
    answers = Sighting.objects.filter(
        kind=Sighting.Kind.ANSWER,
        call_id=push.call_id,
        day__gte=push.created_at.date() - timedelta(days=1),
    )
    said = list(answers.values_list("device", "code"))
    if any(device == push.device_id and code >= 200 for device, code in said):
        return "answered"
    if any(200 <= code < 300 for _, code in said):
        return "accepted"
    if any(code in DECLINED for _, code in said):
        return "declined"
    return "missed" if now >= row.until else ""


def _told(row: Ringing, now: datetime) -> list[Push]:
    push = row.push
    if row.ended == "answered":
        return []
    request = PushRequest(
        device=push.device,
        token=push.token,
        push_type=Push.Type.ALERT,
        origin=push.origin,
        kind=Push.Kind.CALL_END if row.ended else Push.Kind.CALL_ALERT,
        call_id=push.call_id,
        from_uri=push.told("from-uri"),
        display_name=push.told("display-name"),
        loc_key=ending_text(push.device.contact, row.ended) if row.ended else "",
        is_repeat=True,
    )
    try:
        return enqueue([request], now)
    except CannotSend:
        row.ended = row.ended or "missed"  # nothing can tell the phone any more
        return []
