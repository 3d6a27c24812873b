"""The pushes that a text names: by an apns-id or the beginning of one, or by the Call-ID."""

from __future__ import annotations

import re
from uuid import UUID

from django.db.models import Q, QuerySet

from notifications.models import Attempt, Push
from notifications.models.attempts import OF_ANOTHER

#: The beginning of an apns-id, as lists print it.
BEGINNING = re.compile(r"[0-9a-f]{8}(-?[0-9a-f]{4}){0,3}", re.IGNORECASE)


def called(text: str) -> Q:
    """The pushes whose Call-ID begins so, or that have this apns-id."""
    found = Q(call_id__startswith=text)
    ids = _ids(text)
    return found | Q(pk__in=ids) if ids else found


def of_id(text: str) -> Push | None:
    """The push with this apns-id, ours or the one of the SIP server."""
    return Push.objects.filter(pk__in=_ids(text)).first()


def _ids(text: str) -> list[UUID]:
    """Few: asked for first, they leave the lists' conditions to the indexes of pushes."""
    try:
        wanted = UUID(text)
    except ValueError:
        return []
    theirs = Attempt.objects.order_by().filter(OF_ANOTHER, apns_id=str(wanted))
    return [wanted, *theirs.values_list("push", flat=True)[:100]]


def begun(text: str) -> QuerySet[Push]:
    """The pushes whose own id begins so."""
    if not BEGINNING.fullmatch(text):
        return Push.objects.none()
    digits = text.replace("-", "").lower()
    first, last = digits.ljust(32, "0"), digits.ljust(32, "f")
    return Push.objects.filter(pk__range=(UUID(first), UUID(last)))
