"""Asterisk's contacts (chan_pjsip): `database show registrar`, and `pjsip show contacts`.

Asterisk keeps no `+sip.instance` here, and does not say when the phone registered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from registrations.bindings.binding import (
    Binding,
    BindingError,
    Listing,
    NotABinding,
    checked,
    contact_value,
    moment,
)

STORED = re.compile(r"\s*/registrar/contact/(.+?);@([0-9a-f]+)\s*: (.*)", re.I)
SHOWN = re.compile(r"  Contact:  (?P<name>\S+) +(?P<hash>[0-9a-f]{10}) (?P<status>\S+)")
TITLE = re.compile(r"<Aor/ContactUri[.]*>")
#: The width of that column unless the title line says another.
WIDTH = 46


def read_database(text: str, listing: Listing) -> Iterator[Binding | NotABinding]:
    """Each value of `asterisk -rx "database show registrar"`."""
    for line in text.splitlines():
        found = STORED.match(line)
        if found is None:
            if "/registrar/contact/" in line:
                yield BindingError("entry_form", "no key and value").told_of(line)
            continue
        try:
            yield _stored(found[1], found[3], listing)
        except BindingError as error:
            yield error.told_of(line)


def _stored(name: str, value: str, listing: Listing) -> Binding:
    try:
        entry = json.loads(value)
    except (json.JSONDecodeError, RecursionError) as error:
        raise BindingError("json", f"no JSON: {error}") from error
    if not isinstance(entry, dict):
        raise BindingError("entry_form", "the value is no JSON object")
    # sorcery writes a ';' of a stored URI as ^3B in some backends.
    contact = checked(
        contact_value(str(entry.get("uri") or "").replace("^3B", ";"), None)
    )
    expires_at = moment(entry.get("expiration_time"), "expiration_time")
    if expires_at is None:
        raise BindingError("expiry_missing", "the value has no expiration_time")
    return Binding(
        aor=listing.aor_named(name),
        contact=contact,
        instance=None,
        expires_at=expires_at,
        updated_at=None,
        taken_at=listing.taken_at,
        user_agent=str(entry.get("user_agent") or "") or None,
        call_id=str(entry.get("call_id") or "") or None,
        path=str(entry.get("path") or "") or None,
    )


def read_contacts(text: str, listing: Listing) -> Iterator[Binding | NotABinding]:
    """Each line of `asterisk -rx "pjsip show contacts"`: only a URI that was not cut."""
    title = TITLE.search(text)
    width = len(title[0]) if title else WIDTH
    for line in text.splitlines():
        found = SHOWN.match(line)
        if found is None:
            continue
        try:
            yield _shown(found["name"], width, listing)
        except BindingError as error:
            yield error.told_of(line.strip())


def _shown(name: str, width: int, listing: Listing) -> Binding:
    if len(name) >= width:
        raise BindingError(
            "contact_cut", "the column cuts the Contact: use 'database show registrar'"
        )
    aor, slash, uri = name.partition("/")
    if not slash:
        raise BindingError("entry_form", "no AOR/Contact")
    return Binding(
        aor=listing.aor_named(aor),
        contact=checked(contact_value(uri, None)),
        instance=None,
        expires_at=None,
        updated_at=None,
        taken_at=listing.taken_at,
    )
