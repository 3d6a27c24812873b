"""From what somebody typed to the one page it names."""

from __future__ import annotations

import re

from django.urls import reverse

from notifications.device_terms import exactly, looked_up
from notifications.keyset import query
from notifications.models import Push
from notifications.push_names import are_called, begun, the_one

#: An address as headers write it: `"Karl" <sip:karl@example.org;transport=tls>;tag=1`.
ADDRESS = re.compile(r"<((?:sips?|tel|urn):[^<>\s;?]+)[^<>]*>", re.IGNORECASE)
#: A Call-ID may have any of `%!*()<>:\/"[]?{}~` in it (RFC 3261, 25.1).
#: A time behind what is looked for.
TIMED = re.compile(r"(.*\S)\s+at:(\S+)", re.IGNORECASE)
LIKE_A_FILTER = re.compile(r"-?[a-z]+:", re.IGNORECASE)


def bare(text: str) -> str:
    """The URI of an address that was copied out of a header; other text as it is."""
    found = ADDRESS.search(text)
    return found[1] if found else text


def find(text: str) -> str | None:
    """The address of the one thing this text names, or of the list that has the several
    pushes it names; None where only Devices may have it.
    """
    if not text:
        return None
    timed = TIMED.fullmatch(text)
    if timed is not None:
        return _at(*timed.groups())
    push = the_one(text)
    if push is not None:
        return _page_of(push)
    if are_called(text, whole=True):
        return _list_of(text)
    devices = _devices(text)
    if devices is not None and len(devices) == 1:
        return reverse("notifications:device", args=[*devices])
    return None if devices or devices is None else _begun(text)


def _devices(text: str) -> set[int] | None:
    exact = exactly(text)
    return looked_up(text) if len(exact) != 1 else exact


def _at(text: str, at: str) -> str:
    """What one device did at that time, else the pushes of then."""
    devices = _devices(text)
    if devices is None or len(devices) != 1:
        return f"{reverse('notifications:pushes')}?{query(q=f'{text} at:{at}')}"
    page = reverse("notifications:device", args=[*devices])
    return f"{page}?{query(at=at)}#device-timeline"


def _begun(text: str) -> str | None:
    """Where pushes are that a beginning names: of an id, or of a Call-ID."""
    some = begun(text)
    if len(some) == 1:
        return _page_of(some[0])
    return _list_of(text) if some or are_called(text) else None


def _page_of(push: Push) -> str:
    return reverse("notifications:push", args=[push.pk])


def _list_of(text: str) -> str:
    """What could be read as a filter is quoted."""
    q = f'"{text}"' if LIKE_A_FILTER.match(text) else text
    return f"{reverse('notifications:pushes')}?{query(q=q, span='all')}"
