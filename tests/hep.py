"""HEP packets of our own making (version 3), and SIP messages to put into them."""

from __future__ import annotations

import socket
import struct
from datetime import datetime


def chunk(kind: int, content: bytes) -> bytes:
    """One chunk of vendor 0."""
    return struct.pack(">HHH", 0, kind, 6 + len(content)) + content


def hep3(
    payload: bytes,
    at: datetime,
    *,
    key: bytes | None = None,
    source: str = "192.0.2.7",
    target: str = "198.51.100.1",
) -> bytes:
    """One packet of version 3 that carries a SIP message over UDP."""
    seconds, micros = int(at.timestamp()), at.microsecond
    chunks = (
        chunk(1, b"\x02")
        + chunk(2, b"\x11")
        + chunk(3, socket.inet_aton(source))
        + chunk(4, socket.inet_aton(target))
        + chunk(7, struct.pack(">H", 5060))
        + chunk(8, struct.pack(">H", 5060))
        + chunk(9, struct.pack(">I", seconds))
        + chunk(10, struct.pack(">I", micros))
        + chunk(11, b"\x01")
        + (chunk(14, key) if key is not None else b"")
        + chunk(15, payload)
    )
    return b"HEP3" + struct.pack(">H", 6 + len(chunks)) + chunks


def register(number: int, *, cseq: int = 1, authorized: bool = True) -> bytes:
    """The REGISTER of a phone of its own."""
    credentials = 'Authorization: Digest username="x"\r\n' if authorized else ""
    return (
        "REGISTER sip:example.org SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK{number}.{cseq}\r\n"
        f"From: <sip:user{number}@example.org>;tag=1\r\n"
        f"To: <sip:user{number}@example.org>\r\n"
        f"Call-ID: call-{number}\r\nCSeq: {cseq} REGISTER\r\n"
        f"Contact: <sip:user{number}@192.0.2.7:5060;pn-provider=apns;"
        f"pn-prid={number:064x}:voip&{number + 10**9:064x}:remote;"
        "pn-param=ABCD1234.org.example.phone.voip&remote>"
        f';+sip.instance="<urn:uuid:00000000-0000-4000-8000-{number:012d}>"\r\n'
        f"User-Agent: Phone/5.2\r\nExpires: 3600\r\n{credentials}"
        "Content-Length: 0\r\n\r\n"
    ).encode()


def answer(number: int, *, cseq: int = 1, status: int = 200) -> bytes:
    """The registrar's answer to it."""
    return (
        f"SIP/2.0 {status} Said\r\n"
        f"Via: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK{number}.{cseq}\r\n"
        f"To: <sip:user{number}@example.org>;tag=2\r\n"
        f"From: <sip:user{number}@example.org>;tag=1\r\n"
        f"Call-ID: call-{number}\r\nCSeq: {cseq} REGISTER\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def noise(number: int) -> bytes:
    """An OPTIONS of a monitor."""
    return (
        "OPTIONS sip:proxy.example.org SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKo{number}\r\n"
        f"To: <sip:proxy.example.org>\r\nFrom: <sip:monitor@example.org>;tag=1\r\n"
        f"Call-ID: o{number}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    ).encode()
