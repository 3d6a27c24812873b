"""The pushes that a text names: by an apns-id or the beginning of one, or by the Call-ID."""

from __future__ import annotations

import re
from uuid import UUID

from django.db.models import Q

from notifications.models import Attempt, Push
from notifications.models.attempts import OF_ANOTHER

#: The beginning of an apns-id, as lists print it.
BEGINNING = re.compile(r"[0-9a-f]{8}[0-9a-f-]{0,27}", re.IGNORECASE)


def called(text: str) -> Q:
    """The pushes whose Call-ID or own id begins so, or that have this apns-id."""
    found = Q(call_id__startswith=text) | _begun(text)
    ids = _ids(text)
    return found | Q(pk__in=ids) if ids else found


def the_one(text: str) -> Push | None:
    """The push with this apns-id, ours or the one of the SIP server; or the newest with this
    Call-ID where all of them went to one device.
    """
    of_id = Push.objects.filter(pk__in=_ids(text)).first()
    if of_id is not None:
        return of_id
    of_call = Push.objects.filter(call_id=text)
    newest = of_call.order_by("-created_at").first()
    if newest is None or of_call.exclude(device=newest.device_id).exists():
        return None
    return newest


def begun(text: str) -> list[Push]:
    """Two at most of the pushes whose own id begins so."""
    return list(Push.objects.order_by().filter(_begun(text)).only("pk")[:2])


def are_called(text: str, *, whole: bool = False) -> bool:
    """There are pushes whose Call-ID is this, or begins so."""
    fits = Q(call_id=text) if whole else Q(call_id__startswith=text)
    return Push.objects.order_by().filter(fits).exists()


def _ids(text: str) -> list[UUID]:
    """Few: asked for first, they leave the lists' conditions to the indexes of pushes."""
    try:
        wanted = UUID(text)
    except ValueError:
        return []
    theirs = Attempt.objects.order_by().filter(OF_ANOTHER, apns_id=str(wanted))
    return [wanted, *theirs.values_list("push", flat=True)[:100]]


def _begun(text: str) -> Q:
    digits = text.replace("-", "").lower()
    if not BEGINNING.fullmatch(text) or len(digits) > 32:
        return Q(pk__in=[])
    first, last = digits.ljust(32, "0"), digits.ljust(32, "f")
    return Q(pk__range=(UUID(first), UUID(last)))
