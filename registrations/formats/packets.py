"""Link and network layers: where the IP header of a frame stands, and what it carries.

Ethernet with VLAN tags and PPPoE, Linux cooked v1 and v2, raw IP, loopback (link types of
the tcpdump.org registry); IPv4 (RFC 791) and IPv6 with its extension headers (RFC 8200).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

#: (data, start, stop) of a frame → index of its IP header, or -1 when it carries none.
Finder = Callable[[bytes, int, int], int]


class Link(NamedTuple):
    """A link layer: `find` and, of a frame whose IP header stands `head_bytes` behind its
    start as in most, `look`: EtherType, and of a header of IPv4 without options its first
    byte, length, fragmentation, protocol, and the first eight bytes of a UDP payload, or of
    TCP the acknowledgement to the window. It needs `look_bytes`.
    """

    find: Finder
    head_bytes: int
    look: Callable[[bytes, int], tuple[bytes, int, int, int, int, bytes]]
    look_bytes: int


#: The packet record in the file: byte offset, and µs since 1970 or None.
Mark = tuple[int, int | None]

#: EtherTypes of IPv4 and IPv6.
IP = frozenset({b"\x08\x00", b"\x86\xdd"})
#: IEEE 802.1Q, 802.1ad and an older double tag: four bytes each.
VLAN = frozenset({b"\x81\x00", b"\x88\xa8", b"\x91\x00"})
PPPOE = b"\x88\x64"
PPP_IP = frozenset({b"\x00\x21", b"\x00\x57"})
#: RFC 8200 §4: the extension headers in front of a transport header.
EXTENSIONS = frozenset({0, 43, 60, 135, 139, 140})
FRAGMENT, AUTHENTICATION, TCP, UDP = 44, 51, 6, 17
MOST_HEADERS = 16
HEAD4 = struct.Struct(">BxHHHxB2x4s4s").unpack_from
HEAD6 = struct.Struct(">4xHBx16s16s").unpack_from


class Packet(NamedTuple):
    """One IP packet: `start` and `end` bound its payload within the bytes looked at.

    `missing`: bytes at its end that were sent and not captured. `fragment`: (identification,
    offset in bytes, more follow) of a piece, else None.
    """

    protocol: int
    source: bytes
    target: bytes
    start: int
    end: int
    missing: int = 0
    fragment: tuple[int, int, bool] | None = None


def ethernet(data: bytes, start: int, stop: int) -> int:
    kind = data[start + 12 : start + 14]
    if kind in IP:
        return start + 14
    return _tagged(data, start + 12, stop)


def _tagged(data: bytes, at: int, stop: int) -> int:
    """From an EtherType on: over VLAN tags and PPPoE to IP."""
    while at + 4 <= stop and data[at : at + 2] in VLAN:
        at += 4
    kind = data[at : at + 2]
    if kind in IP:
        return at + 2
    if kind == PPPOE and data[at + 8 : at + 10] in PPP_IP:
        return at + 10
    return -1


def cooked(data: bytes, start: int, stop: int) -> int:
    return _tagged(data, start + 14, stop)


def cooked2(data: bytes, start: int, stop: int) -> int:
    kind = data[start : start + 2]
    if kind in VLAN:
        return _tagged(data, start + 20 + 2, stop)
    return start + 20 if kind in IP else -1


def raw_ip(data: bytes, start: int, stop: int) -> int:
    return start


def loopback(data: bytes, start: int, stop: int) -> int:
    """Four bytes of address family, which differ between systems: the IP version tells."""
    return start + 4


def _link(find: Finder, head: str) -> Link:
    """`head`: what stands before the IP header, as `struct` has it, with the EtherType."""
    look = struct.Struct(f">{head}BxHxxHxB18x8s")
    head_bytes = struct.calcsize(f">{head}")
    return Link(find, head_bytes, look.unpack_from, look.size)


ETHERNET, COOKED, COOKED2 = (
    _link(ethernet, "12x2s"),
    _link(cooked, "14x2s"),
    _link(cooked2, "2s18x"),
)
RAW, LOOPBACK = _link(raw_ip, "0s"), _link(loopback, "0s4x")
#: The EtherTypes that `look` tells of IPv4; layers without one have none.
IPV4 = frozenset({b"\x08\x00", b""})
LINKS: dict[int, Link] = {
    0: LOOPBACK,
    1: ETHERNET,
    12: RAW,
    14: RAW,
    101: RAW,
    108: LOOPBACK,
    113: COOKED,
    228: RAW,
    229: RAW,
    276: COOKED2,
}


def read_packet(data: bytes, at: int, stop: int) -> Packet | None:
    """The IP packet at `at` of a frame that ends at `stop`; None when it is none."""
    version = data[at] >> 4 if at < stop else 0
    if version == 4 and at + 20 <= stop:
        return _version4(data, at, stop)
    if version == 6 and at + 40 <= stop:
        return _version6(data, at, stop)
    return None


def _version4(data: bytes, at: int, stop: int) -> Packet | None:
    first, total, ident, flags, protocol, source, target = HEAD4(data, at)
    start = at + (first & 15) * 4
    # Segmentation offload leaves a total length of 0.
    end = at + total if total else stop
    if start < at + 20 or start > min(end, stop):
        return None
    piece = None
    if flags & 0x3FFF:
        piece = ident, (flags & 0x1FFF) * 8, bool(flags & 0x2000)
    return Packet(
        protocol, source, target, start, min(end, stop), max(0, end - stop), piece
    )


def _version6(data: bytes, at: int, stop: int) -> Packet | None:
    length, protocol, source, target = HEAD6(data, at)
    start = at + 40
    end = start + length if length else stop
    limit, piece = min(end, stop), None
    for _ in range(MOST_HEADERS):
        if protocol in EXTENSIONS and start + 8 <= limit:
            protocol, start = data[start], start + data[start + 1] * 8 + 8
        elif protocol == AUTHENTICATION and start + 8 <= limit:
            protocol, start = data[start], start + data[start + 1] * 4 + 8
        elif protocol == FRAGMENT and piece is None and start + 8 <= limit:
            protocol, offset, ident = struct.unpack_from(">BxHI", data, start)
            piece = ident, offset & 0xFFF8, bool(offset & 1)
            start += 8
            if piece[1] or piece[2]:
                break  # what is behind belongs to the whole datagram
        else:
            break
    if start > limit:
        return None
    if piece is not None and not (piece[1] or piece[2]):
        piece = None  # an atomic fragment (RFC 6946)
    return Packet(protocol, source, target, start, limit, max(0, end - stop), piece)
