"""A REGISTER in a record without a line end: is it all there?"""

from __future__ import annotations

import re

from registrations.formats.record import Record, Request
from registrations.formats.refused import half

CONTACT_LAST = re.compile(rb"\n(?:contact|m)[ \t]*:[^\n]*\n?\Z", re.I)
BEHIND_CONTACT = re.compile(rb"\n(?:expires|content-length|l)[ \t]*:", re.I)


def whole_or_half(record: Record) -> Record:
    """A record that ends without a line end: RFC 3164 cuts at 1,024 bytes. A REGISTER that
    ends with its Contact, and has nothing that stands behind one, was cut in it.
    """
    is_torn = (
        isinstance(record, Request)
        and CONTACT_LAST.search(record.raw)
        and not BEHIND_CONTACT.search(record.raw)
    )
    return half(record) if is_torn else record


def lost_its_end(raw: bytes) -> bool:
    """True for a REGISTER as the journal keeps what a program prints: line by line, without
    CRs and without the empty line. What may stand behind its Contact does.
    """
    return (
        raw.endswith(b"\n")
        and b"\r" not in raw
        and BEHIND_CONTACT.search(raw) is not None
    ) and not CONTACT_LAST.search(raw)
