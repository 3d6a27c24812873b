"""Packets, capture files and HEP packets, written by hand for the tests."""

from __future__ import annotations

import socket
import struct

PHONE, PROXY, REGISTRAR = "192.0.2.7", "192.0.2.1", "192.0.2.2"
START = 1_795_462_828_563_072  # µs


def register(
    call_id: str = "c1", cseq: int = 1, *, vias: int = 1, contact: str = "sip:a@h"
) -> bytes:
    hops = "".join(
        f"Via: SIP/2.0/UDP 192.0.2.{9 - one};branch=z9hG4bK{one}\r\n"
        for one in range(vias)
    )
    return (
        f"REGISTER sip:example.org SIP/2.0\r\n{hops}"
        f"To: <sip:a@example.org>\r\nCall-ID: {call_id}\r\nCSeq: {cseq} REGISTER\r\n"
        f"Contact: <{contact}>\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def answer(status: int, call_id: str = "c1", cseq: int = 1) -> bytes:
    return (
        f"SIP/2.0 {status} X\r\nVia: SIP/2.0/UDP 192.0.2.9\r\nCall-ID: {call_id}\r\n"
        f"CSeq: {cseq} REGISTER\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def packed(host: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)


def udp(payload: bytes, ports: tuple[int, int] = (5060, 5060)) -> bytes:
    return struct.pack(">HHHH", *ports, len(payload) + 8, 0) + payload


def tcp(
    payload: bytes,
    sequence: int,
    *,
    flags: int = 0x10,
    ports: tuple[int, int] = (40_000, 5060),
) -> bytes:
    return (
        struct.pack(">HHIIBBHHH", *ports, sequence, 0, 0x50, flags, 0, 0, 0) + payload
    )


def ip(
    body: bytes,
    protocol: int = 17,
    source: str = PHONE,
    target: str = PROXY,
    *,
    ident: int = 1,
    pieces: int = 0,
) -> bytes:
    """An IPv4 packet. `pieces`: flags and offset as in its header."""
    return (
        struct.pack(
            ">BBHHHBBH", 0x45, 0, len(body) + 20, ident, pieces, 64, protocol, 0
        )
        + packed(source)
        + packed(target)
        + body
    )


def ip6(
    body: bytes,
    protocol: int = 17,
    source: str = "2001:db8::7",
    target: str = "2001:db8::1",
) -> bytes:
    head = struct.pack(">IHBB", 6 << 28, len(body), protocol, 64)
    return head + packed(source) + packed(target) + body


def ether(packet: bytes, tags: bytes = b"") -> bytes:
    kind = b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00"
    return bytes(12) + tags + kind + packet


def pcap(
    *frames: bytes,
    link: int = 1,
    order: str = "<",
    nanos: bool = False,
    step_micros: int = 1000,
) -> bytes:
    """A pcap file; the frames come `step_micros` apart from START on."""
    magic = 0xA1B23C4D if nanos else 0xA1B2C3D4
    parts = [struct.pack(f"{order}IHHIIII", magic, 2, 4, 0, 0, 262_144, link)]
    for number, frame in enumerate(frames):
        seconds, micros = divmod(START + number * step_micros, 1_000_000)
        fraction = micros * 1000 if nanos else micros
        sizes = len(frame), len(frame)
        parts += [struct.pack(f"{order}IIII", seconds, fraction, *sizes), frame]
    return b"".join(parts)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    size = len(body) + 12
    return struct.pack(f"{order}II", kind, size) + body + struct.pack(f"{order}I", size)


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(link: int = 1, order: str = "<", options: bytes = b"") -> bytes:
    return block(1, struct.pack(f"{order}HHI", link, 0, 0) + options, order)


def option(code: int, value: bytes, order: str = "<") -> bytes:
    return struct.pack(f"{order}HH", code, len(value)) + value + bytes(-len(value) % 4)


def enhanced(
    frame: bytes, number: int = 0, stamp: int = START, order: str = "<"
) -> bytes:
    head = struct.pack(
        f"{order}IIIII",
        number,
        stamp >> 32,
        stamp & 0xFFFFFFFF,
        len(frame),
        len(frame),
    )
    return block(6, head + frame, order)


def chunk(kind: int, value: bytes, vendor: int = 0) -> bytes:
    return struct.pack(">HHH", vendor, kind, len(value) + 6) + value


def hep3(payload: bytes, *more: bytes, protocol: int = 17) -> bytes:
    """A HEP3 packet of a message from PHONE to PROXY; `more`: further chunks."""
    seconds, micros = divmod(START, 1_000_000)
    chunks = b"".join(
        [
            chunk(1, b"\x02"),
            chunk(2, bytes([protocol])),
            chunk(3, packed(PHONE)),
            chunk(4, packed(PROXY)),
            chunk(7, struct.pack(">H", 5070)),
            chunk(8, struct.pack(">H", 5060)),
            chunk(9, struct.pack(">I", seconds)),
            chunk(10, struct.pack(">I", micros)),
            chunk(11, b"\x01"),
            *more,
            chunk(15, payload),
        ]
    )
    return b"HEP3" + struct.pack(">H", len(chunks) + 6) + chunks


def hep_record(packet: bytes, arrived: float = START / 1e6) -> bytes:
    return struct.pack(">Id", len(packet), arrived) + packet
