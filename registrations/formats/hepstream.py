"""Where a HEP packet ends that came over TCP.

Version 3 says so. Versions 1 and 2 do not: the SIP inside ends with its Content-Length
(RFC 3261 §18.3), so what is no SIP, or has none, cannot be framed.
"""

from __future__ import annotations

from registrations.formats.hep import FAMILIES, MAGIC, HepError
from registrations.formats.stream import BLANK, CONTENT_LENGTH, HEADERS_END, START

#: Enough to know the version and what it says of sizes.
HEAD_BYTES = 6
LONGEST_PACKET = 65_535
STAMP_BYTES = 12
OLDER = (1, 2)


def packet_size(buffer: bytes | bytearray, at: int) -> int | None:
    """How many bytes the packet at `at` has, HEAD_BYTES of it are there; None: not enough is
    there to know. Raises HepError for what is none.
    """
    if buffer[at : at + 4] != MAGIC:
        return _older_size(buffer, at)
    size = int.from_bytes(buffer[at + 4 : at + HEAD_BYTES], "big")
    if size < HEAD_BYTES:
        raise HepError("tcp_framing", f"says {size} bytes")
    return size


def _older_size(buffer: bytes | bytearray, at: int) -> int | None:
    version, size, family = buffer[at], buffer[at + 1], buffer[at + 2]
    width = FAMILIES.get(family)
    if version not in OLDER or width is None:
        raise HepError("tcp_framing", "no HEP packet")
    addresses = 8 + 2 * width
    head = addresses + STAMP_BYTES * (version == 2)
    if size not in (addresses, head):
        raise HepError("tcp_framing", f"says {size} bytes of header")
    start, limit = at + head, at + LONGEST_PACKET
    end = _sip_end(buffer, start, limit) if len(buffer) > start else None
    if end is None and len(buffer) < limit:
        return None
    if end is None or end > limit:
        raise HepError("tcp_unframed", "its SIP has no end")
    return end - at


def _sip_end(buffer: bytes | bytearray, start: int, limit: int) -> int | None:
    begin = BLANK.match(buffer, start, limit).end()
    if begin == len(buffer):
        return None
    if begin > start and buffer[begin] in OLDER:
        return begin  # a keep-alive (RFC 5626 §3.5.1)
    headers = HEADERS_END.search(buffer, begin, limit)
    if headers is None:
        return None
    lengths = CONTENT_LENGTH.findall(buffer, begin, headers.end())
    if len(lengths) != 1 or not START.match(buffer, begin, headers.end()):
        raise HepError("tcp_unframed", f"SIP with {len(lengths)} Content-Lengths")
    return headers.end() + int(lengths[0])
