"""The bytes of a packet that `tcpdump -x`, `-X`, `-xx` and `-XX` print in hexadecimal."""

from __future__ import annotations

import re

#: `<TAB>0x0010:  7f00 0001 3ad4  ASCII`: eight pairs of bytes at most, ASCII behind two blanks.
LINE = re.compile(
    rb"\t0x[0-9a-f]{4,5}:  ((?:[0-9a-f]{2}){1,2}(?: (?:[0-9a-f]{2}){1,2}){0,7})"
)
#: Of any packet printed so.
FIRST_LINE = b"\t0x0000:"


def bytes_of(record: bytes, start: int) -> bytes:
    """The packet of one record of tcpdump's, printed from `start` on; empty without hex."""
    if record.find(FIRST_LINE, start) < 0:
        return b""
    pairs = (found[1].decode() for found in LINE.finditer(record, start))
    return bytes.fromhex("".join(pairs))
