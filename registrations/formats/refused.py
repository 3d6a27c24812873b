"""Records of what could not be read, each with its rule."""

from __future__ import annotations

from registrations.formats.cutting import LONGEST_MESSAGE
from registrations.formats.record import Request, Unreadable

#: The rule of a log that turns into another format.
TURNED = "other_format"
#: Bytes kept of a line that is too long.
SHOWN = 200


def endless(position: int, begin: bytes) -> Unreadable:
    """A line longer than any log's, by its beginning."""
    detail = f"a line of more than {len(begin):,} bytes"
    facts = {"position": position, "at": None, "raw": begin[:SHOWN]}
    return Unreadable(rule="line_length", detail=detail, **facts)


def half(request: Request) -> Unreadable:
    """A REGISTER that was cut off: half a value would be a wrong one."""
    size = len(request.raw)
    detail = f"a REGISTER of which only {size} bytes are there"
    if size >= LONGEST_MESSAGE:
        detail = f"a REGISTER of more than the {LONGEST_MESSAGE:,} bytes that are kept"
    facts = {"position": request.position, "at": request.at, "raw": request.raw}
    return Unreadable(rule="headers_cut", detail=detail, **facts)


def turned(position: int, raw: bytes, name: str, other: str) -> Unreadable:
    """Where a log goes on in another format."""
    detail = f"lines of {other} where {name} was read"
    facts = {"position": position, "at": None, "raw": raw}
    return Unreadable(rule=TURNED, detail=detail, **facts)
