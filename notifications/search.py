"""From what somebody typed to the one page it names."""

from __future__ import annotations

from uuid import UUID

from django.urls import reverse

from notifications.device_terms import named
from notifications.models import Push
from registrations.models import Device


def find(text: str) -> str | None:
    """The address of the one thing this text names, or None."""
    if not text:
        return None
    push = _push_named(text)
    if push is not None:
        return reverse("notifications:push", args=[push.pk])
    found = list(Device.objects.filter(named(text))[:2])
    if len(found) != 1:
        return None
    return reverse("notifications:device", args=[found[0].pk])


def _push_named(text: str) -> Push | None:
    """By its id, which is the apns-id too, or the newest of a Call-ID."""
    try:
        found = Push.objects.filter(pk=UUID(text)).first()
    except ValueError:
        found = None
    of_call = Push.objects.filter(call_id=text).order_by("-created_at")
    return found or of_call.first()
