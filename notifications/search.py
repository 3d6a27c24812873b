"""From what somebody typed to the one page it names."""

from __future__ import annotations

import re
from uuid import UUID

from django.urls import reverse

from notifications.device_terms import looked_up
from notifications.models import Push

#: An address as headers write it: `"Karl" <sip:karl@example.org;transport=tls>;tag=1`.
ADDRESS = re.compile(r"<((?:sips?|tel|urn):[^<>\s;?]+)[^<>]*>", re.IGNORECASE)
#: The beginning of an apns-id, as lists print it.
BEGINNING = re.compile(r"[0-9a-f]{8}(-?[0-9a-f]{4}){0,3}", re.IGNORECASE)


def bare(text: str) -> str:
    """The URI of an address that was copied out of a header; other text as it is."""
    found = ADDRESS.search(text)
    return found[1] if found else text


def find(text: str) -> str | None:
    """The address of the one thing this text names, or None."""
    if not text:
        return None
    push = _push_named(text)
    if push is not None:
        return reverse("notifications:push", args=[push.pk])
    found = looked_up(text)
    if found is not None and len(found) == 1:
        return reverse("notifications:device", args=[*found])
    begun = _begun(text) if found == set() else []
    if len(begun) == 1:
        return reverse("notifications:push", args=[begun[0].pk])
    return None


def _begun(text: str) -> list[Push]:
    """Two at most of the pushes whose id begins so."""
    if not BEGINNING.fullmatch(text):
        return []
    digits = text.replace("-", "").lower()
    first, last = digits.ljust(32, "0"), digits.ljust(32, "f")
    ids = (UUID(first), UUID(last))
    return list(Push.objects.order_by().filter(pk__range=ids).only("pk")[:2])


def _push_named(text: str) -> Push | None:
    """By its id, which is the apns-id too, or the newest of a Call-ID."""
    try:
        found = Push.objects.filter(pk=UUID(text)).first()
    except ValueError:
        found = None
    of_call = Push.objects.filter(call_id=text).order_by("-created_at")
    return found or of_call.first()
