"""A REGISTER as SIP text again, out of the fields that one line of a log prints."""

from __future__ import annotations

import re

#: The first one apart: what begins with a repetition is looked for twenty times as slowly.
BREAKS = re.compile(rb"[\r\n\0][\r\n\0]*[ \t]*")
CR, LF, NUL = b"\r\n\0"


def register_text(
    *,
    to: bytes,
    call_id: bytes,
    cseq: bytes,
    contact: bytes | None,
    expires: bytes | None = None,
    user_agent: bytes | None = None,
) -> bytes:
    """The request line and the headers that are known; no value can add a header."""
    lines = [b"REGISTER sip: SIP/2.0", b"To: " + _one_line(to)]
    lines += [b"Call-ID: " + _one_line(call_id), b"CSeq: " + cseq + b" REGISTER"]
    for name, value in (
        (b"Contact", contact),
        (b"Expires", expires),
        (b"User-Agent", user_agent),
    ):
        if value is not None:
            lines.append(name + b": " + _one_line(value))
    return b"\r\n".join([*lines, b"", b""])


def _one_line(value: bytes) -> bytes:
    if LF in value or CR in value or NUL in value:
        value = BREAKS.sub(b" ", value)
    return value.strip()
