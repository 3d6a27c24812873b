"""Bindings as registrars list them: each shape a small module, text in, values out. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime

from registrations.bindings import asterisk, flexisip, kamailio
from registrations.bindings.binding import (
    Binding,
    BindingError,
    Listing,
    NotABinding,
    UnknownListing,
)

__all__ = [
    "NAMES",
    "Binding",
    "BindingError",
    "Listing",
    "NotABinding",
    "UnknownListing",
    "detect",
    "read_listing",
]

#: Kamailio's `AoR: …` or `AoRs:`, and the `AOR:: …` of older ones and of OpenSIPS.
AOR_LINE = re.compile(r"^\s*(?:AoRs?|AOR:):", re.M)
READERS: dict[str, Callable[[str, Listing], Iterator[Binding | NotABinding]]] = {
    "flexisip-cli": flexisip.read_registrar_get,
    "kamailio-usrloc": kamailio.read_usrloc,
    "asterisk-registrar": asterisk.read_database,
    "asterisk-contacts": asterisk.read_contacts,
}
NAMES = tuple(READERS)


def detect(text: str) -> str:
    """Which listing this is. Raises UnknownListing with the names there are."""
    if "/registrar/contact/" in text:
        return "asterisk-registrar"
    if "Aor/ContactUri" in text or text.lstrip().startswith("Contact:  "):
        return "asterisk-contacts"
    if '"aor"' in text.lower() and '"contacts"' in text.lower():
        return "flexisip-cli" if '"expires-at"' in text else "kamailio-usrloc"
    if '"Domains"' in text or AOR_LINE.search(text):
        return "kamailio-usrloc"
    if '"contacts"' in text or text.startswith("Error - "):
        return "flexisip-cli"
    raise UnknownListing(f"no listing we know; there are {', '.join(NAMES)}")


def read_listing(
    name: str | None,
    text: str,
    *,
    taken_at: datetime,
    domain: str | None = None,
    aor: str | None = None,
) -> Iterator[Binding | NotABinding]:
    """Each entry of a listing: a binding, or why it is none. Raises UnknownListing.

    `taken_at`: when the server printed it. `domain`: of AORs listed without one. `aor`: of
    a listing that names none.
    """
    name = name or detect(text)
    if name not in READERS:
        raise UnknownListing(f"no listing {name!r}; there are {', '.join(NAMES)}")
    return READERS[name](text, Listing(taken_at=taken_at, domain=domain, aor=aor))
