"""From what somebody typed to the one page it names."""

from __future__ import annotations

import re

from django.urls import reverse

from notifications.device_terms import looked_up
from notifications.models import Push
from notifications.push_names import begun, of_id

#: An address as headers write it: `"Karl" <sip:karl@example.org;transport=tls>;tag=1`.
ADDRESS = re.compile(r"<((?:sips?|tel|urn):[^<>\s;?]+)[^<>]*>", re.IGNORECASE)


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
    some = begun(text).order_by()[:2] if found == set() else []
    if len(some) == 1:
        return reverse("notifications:push", args=[some[0].pk])
    return None


def _push_named(text: str) -> Push | None:
    """By its apns-id, or the newest of a Call-ID."""
    of_call = Push.objects.filter(call_id=text).order_by("-created_at")
    return of_id(text) or of_call.first()
