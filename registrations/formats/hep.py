"""HEP, the encapsulation in which SIP servers send copies of their messages to Homer.

Versions 1 and 2 (a fixed header), version 3 (chunks). One packet in, one `Hep` out; whatever
lies about a length is refused by name. Nothing here listens or reads files.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

MAGIC = b"HEP3"
#: A payload longer than this is none of SIP's (as in a log).
LONGEST_PAYLOAD = 128 * 1024
#: IP protocol numbers; Kamailio says 22 for TLS and 50 for WebSocket.
PROTOCOLS = {6: "tcp", 17: "udp", 22: "tls", 50: "ws", 132: "sctp"}
SIP = 1
#: AF_INET, and AF_INET6 on Linux, BSD and macOS.
FAMILIES = {2: 4, 10: 16, 24: 16, 28: 16, 30: 16}
#: Chunk types of vendor 0.
FAMILY, PROTOCOL, SOURCE4, TARGET4, SOURCE6, TARGET6 = 1, 2, 3, 4, 5, 6
SOURCE_PORT, TARGET_PORT, SECONDS, MICROS, KIND = 7, 8, 9, 10, 11
AUTH_KEY, PAYLOAD, PACKED_PAYLOAD, CORRELATION_ID = 14, 15, 16, 17
#: How many bytes a chunk of a fixed kind has.
SIZES = {
    FAMILY: 1,
    PROTOCOL: 1,
    SOURCE4: 4,
    TARGET4: 4,
    SOURCE6: 16,
    TARGET6: 16,
    SOURCE_PORT: 2,
    TARGET_PORT: 2,
    SECONDS: 4,
    MICROS: 4,
    KIND: 1,
}
CHUNK = struct.Struct(">HHH").unpack_from
#: Years 2001 to 2100: what a plausible time is.
PLAUSIBLE = range(1_000_000_000, 4_102_444_800)


class HepError(ValueError):
    """A packet that is no HEP, or lies. `rule` names what was broken."""

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(f"{rule}: {detail}")
        self.rule = rule
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Hep:
    """One message and where it was on the wire. Addresses packed: 4 or 16 bytes.

    `micros`: µs since 1970, None where the packet does not say. `kind`: 1 is SIP.
    """

    version: int
    micros: int | None
    protocol: str
    source: bytes
    source_port: int
    target: bytes
    target_port: int
    payload: bytes
    kind: int = SIP
    auth_key: bytes | None = None
    correlation_id: bytes | None = None


def decode(packet: bytes, arrived: float | None = None) -> Hep:
    """Read one HEP packet. Raises HepError.

    `arrived`: s since 1970, when the packet came; of two readings of a version 2 time (its
    byte order is the sender's) the nearer one counts. Bytes behind the packet are refused.
    """
    if packet[:4] == MAGIC:
        return _version3(packet)
    if packet[:1] in (b"\x01", b"\x02"):
        return _fixed(packet, arrived)
    raise HepError("hep_magic", f"starts with {packet[:4]!r}")


# Version 3


def _version3(packet: bytes) -> Hep:
    size = int.from_bytes(packet[4:6], "big")
    if len(packet) < 6 or size != len(packet):
        raise HepError("hep_length", f"says {size} bytes, has {len(packet)}")
    chunks = _chunks(packet)
    numbers = {kind: int.from_bytes(chunks.get(kind, b""), "big") for kind in SIZES}
    source = chunks.get(SOURCE4) or chunks.get(SOURCE6)
    target = chunks.get(TARGET4) or chunks.get(TARGET6)
    if source is None or target is None:
        raise HepError("hep_address_missing", "no address of sender or receiver")
    has_time = SECONDS in chunks
    return Hep(
        version=3,
        micros=numbers[SECONDS] * 1_000_000 + numbers[MICROS] if has_time else None,
        protocol=PROTOCOLS.get(numbers[PROTOCOL], "udp"),
        source=source,
        source_port=numbers[SOURCE_PORT],
        target=target,
        target_port=numbers[TARGET_PORT],
        payload=_payload(chunks),
        kind=numbers[KIND] if KIND in chunks else SIP,
        auth_key=chunks.get(AUTH_KEY),
        correlation_id=chunks.get(CORRELATION_ID),
    )


def _chunks(packet: bytes) -> dict[int, bytes]:
    """Type → content of the chunks of vendor 0; of two of a type the first counts."""
    chunks: dict[int, bytes] = {}
    at, end = 6, len(packet)
    while at < end:
        if at + 6 > end:
            raise HepError(
                "hep_chunk_length", f"{end - at} bytes behind the last chunk"
            )
        vendor, kind, size = CHUNK(packet, at)
        if size < 6 or at + size > end:
            raise HepError("hep_chunk_length", f"chunk {kind} says {size} bytes")
        if vendor == 0:
            if SIZES.get(kind, size - 6) != size - 6:
                raise HepError("hep_chunk_length", f"chunk {kind} has {size - 6} bytes")
            chunks.setdefault(kind, packet[at + 6 : at + size])
        at += size
    return chunks


def _payload(chunks: dict[int, bytes]) -> bytes:
    if PAYLOAD in chunks:
        return chunks[PAYLOAD]
    if PACKED_PAYLOAD not in chunks:
        raise HepError("hep_payload_missing", "no payload")
    # zlib or gzip, told by its head; never unpacked beyond what a message may have.
    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        payload = unpacking.decompress(chunks[PACKED_PAYLOAD], LONGEST_PAYLOAD)
    except zlib.error as error:
        raise HepError("hep_payload_packed", str(error)) from error
    if not unpacking.eof:
        raise HepError("hep_payload_packed", "the packed payload has no end")
    return payload


# Versions 1 and 2


def _fixed(packet: bytes, arrived: float | None) -> Hep:
    if len(packet) < 16:
        raise HepError("hep_length", f"{len(packet)} bytes are too few")
    version, size, family, protocol = packet[:4]
    width = FAMILIES.get(family)
    if width is None:
        raise HepError("hep_family", f"address family {family}")
    # The length counts the addresses, and the time (version 2) only with some senders.
    stamp = 8 + 2 * width
    end = stamp + 12 if version == 2 else stamp
    if size not in (stamp, end) or len(packet) < end:
        raise HepError("hep_length", f"header of {size} bytes, packet of {len(packet)}")
    source_port, target_port = struct.unpack_from(">HH", packet, 4)
    return Hep(
        version=version,
        micros=_stamp(packet[stamp : stamp + 8], arrived) if version == 2 else None,
        protocol=PROTOCOLS.get(protocol, "udp"),
        source=packet[8 : 8 + width],
        source_port=source_port,
        target=packet[8 + width : stamp],
        target_port=target_port,
        payload=packet[end:],
    )


def _stamp(stamp: bytes, arrived: float | None) -> int | None:
    """µs since 1970 of seconds and µs in the sender's byte order; None: not a time."""
    readings = []
    for order in "<>":
        seconds, micros = struct.unpack(f"{order}II", stamp)
        if seconds in PLAUSIBLE and micros < 1_000_000:
            readings.append(seconds * 1_000_000 + micros)
    if arrived is not None and len(readings) > 1:
        return min(readings, key=lambda micros: abs(micros / 1_000_000 - arrived))
    return readings[0] if readings else None
