"""Requests read into values, apart from the rows: may be done in another thread."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from registrations.formats.record import Record, Request
from registrations.sip import Register, SipError, made, read_register
from registrations.storable import storable


class Heard(NamedTuple):
    """A request and what it says, or the rule it breaks."""

    request: Request
    said: Register | SipError


def heard(records: Iterable[Record]) -> list[Record | Heard]:
    """The records, each request with what it says."""
    return [_heard(one) if type(one) is Request else one for one in records]


def _heard(request: Request) -> Heard:
    try:
        register = read_register(request.raw, request.message)
        return made(Heard, (request, storable(register)))
    except SipError as error:
        return Heard(request, error)
