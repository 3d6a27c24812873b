"""What pushes are called: the apns-id of each; which ones a text names, by an apns-id or the
beginning of one, or by the Call-ID.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db.models import Case, OuterRef, Q, Subquery, TextField, Value, When
from django.db.models.functions import Cast, Coalesce

from notifications.models import Attempt, Push
from notifications.models.attempts import OF_ANOTHER

#: The beginning of an apns-id, as lists print it.
BEGINNING = re.compile(r"[0-9a-f]{8}[0-9a-f-]{0,27}", re.IGNORECASE)

#: Pushes of apns-ids that are looked for at once.
MOST = 100

THEIRS = Attempt.objects.filter(push=OuterRef("pk")).exclude(apns_id="")
#: `apns_id` of a push: our own id, which goes to APNs with it; of one that a SIP server sent,
#: what its log says APNs called it, "" where it says nothing.
APNS_ID = Case(
    When(
        origin=Push.Origin.OBSERVED,
        then=Coalesce(
            Subquery(THEIRS.order_by("number").values("apns_id")[:1]), Value("")
        ),
    ),
    default=Cast("id", TextField()),
    output_field=TextField(),
)


def called(text: str, ids: Sequence[UUID]) -> Q:
    """The pushes whose Call-ID or own id begins so, or that are of these ids."""
    found = Q(call_id__startswith=text) | _begun(text)
    return found | Q(pk__in=ids) if ids else found


def the_one(text: str) -> Push | None:
    """The push with this apns-id, ours or the one of the SIP server; or the newest with this
    Call-ID where all of them went to one device.
    """
    of_id = Push.objects.filter(pk__in=ids_of([text])[text]).first()
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


def ids_of(texts: Iterable[str]) -> dict[str, list[UUID]]:
    """The ids of the pushes that have each text for their apns-id, in one question.

    Few: asked for first, they leave the lists' conditions to the indexes of pushes.
    """
    found = {text: _read(text) for text in texts}
    wanted = {str(pk): text for text, ids in found.items() for pk in ids}
    if wanted:
        theirs = Attempt.objects.order_by().filter(OF_ANOTHER, apns_id__in=wanted)
        for theirs_id, push in theirs.values_list("apns_id", "push")[:MOST]:
            found[wanted[theirs_id]].append(push)
    return found


def _read(text: str) -> list[UUID]:
    try:
        return [UUID(text)]
    except ValueError:
        return []


def _begun(text: str) -> Q:
    digits = text.replace("-", "").lower()
    if not BEGINNING.fullmatch(text) or len(digits) > 32:
        return Q(pk__in=[])
    first, last = digits.ljust(32, "0"), digits.ljust(32, "f")
    return Q(pk__range=(UUID(first), UUID(last)))
