"""A capture for benchmarks: the shared corpora again and again, with fresh identities, at
later times and other addresses, amid what else goes over a proxy's wire.
"""

from __future__ import annotations

import random
import re
import struct
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import NamedTuple

from benchmarks.parse import IDENTITY, ROOT, fresh

CORPORA = tuple(
    ROOT.parent / "shared/corpora" / name / "lo.pcap"
    for name in ("asterisk22", "linphone53-kamailio")
)
#: What makes two rounds different phones: the parse bench's, users, Call-IDs.
NAMES = re.compile(
    IDENTITY.pattern + rb"|(?<=sip:)[a-z]{3,8}(?=@)|(?<=Call-ID: )[^\r\n]+"
)
RECORD = struct.Struct("<IIII")
ETHERNET = bytes(12) + b"\x08\x00"
#: REGISTERs that tshark does not see or not whole; their Call-IDs begin like this.
UNSEEN = "unseen-"
#: A round of the corpora takes less than this.
ROUND_SECONDS = 300
PROXY = b"\x0a\x00\x00\x01"


class Frame(NamedTuple):
    """One packet: s and µs since 1970, and its bytes."""

    seconds: int
    micros: int
    data: bytes


def write(path: Path, size_bytes: int) -> int:
    """Write a pcap of about that size; the number of packets."""
    packets = 0
    with path.open("wb") as out:
        out.write(CORPORA[0].read_bytes()[:24])
        for frame in frames():
            out.write(
                RECORD.pack(
                    frame.seconds, frame.micros, len(frame.data), len(frame.data)
                )
            )
            out.write(frame.data)
            packets += 1
            if packets % 1000 == 0 and out.tell() >= size_bytes:
                break
    return packets


def frames() -> Iterator[Frame]:
    """Without end; half of the bytes are the corpora's."""
    seed = random.Random(7)
    noise = Noise(seed)
    corpora = [path.read_bytes() for path in CORPORA]
    starts = [next(_records(corpus)).seconds for corpus in corpora]
    for number in count():
        for corpus, start in zip(corpora, starts, strict=True):
            offset = starts[0] - start + number * ROUND_SECONDS
            for frame in _records(fresh(corpus, seed, NAMES)):
                moved = _moved(frame, offset, number)
                yield moved
                yield from noise.beside(moved)
            yield from _unseen(moved, number)


def _records(capture: bytes) -> Iterator[Frame]:
    at = 24
    while at < len(capture):
        seconds, micros, captured, _ = RECORD.unpack_from(capture, at)
        at += RECORD.size
        yield Frame(seconds, micros, capture[at : at + captured])
        at += captured


def _moved(frame: Frame, offset: int, number: int) -> Frame:
    """Later, and between hosts of this round: their connections are no one else's."""
    data = frame.data
    if data[12:14] == b"\x08\x00":
        host = b"\x7f" + (number + 2).to_bytes(3, "big")
        data = data[:26] + host + host + data[34:]
    else:
        host = b"\xfd" + (number + 2).to_bytes(15, "big")
        data = data[:22] + host + host + data[54:]
    return Frame(frame.seconds + offset, frame.micros, data)


def _unseen(after: Frame, number: int) -> Iterator[Frame]:
    for kind, (start, contact) in enumerate((("\r\n\r\n", ""), ("", "  "))):
        user = f"sip:{kind}{number}@sip.example.org"
        text = (
            f"{start}REGISTER sip:sip.example.org SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP 10.0.0.2:5070;branch=z9hG4bKu{kind}{number}\r\n"
            f"From: <{user}>;tag=1\r\nTo: <{user}>\r\n"
            f"Call-ID: {UNSEEN}{kind}-{number}\r\nCSeq: 1 REGISTER\r\n"
            f"Contact{contact}: <sip:{kind}{number}@10.0.0.2:5070>\r\n"
            "Expires: 600\r\nContent-Length: 0\r\n\r\n"
        )
        yield after._replace(data=_udp(text.encode(), 5070, 5060))


class Noise:
    """What else goes by: mostly speech, then calls, monitors, names, TLS."""

    def __init__(self, seed: random.Random) -> None:
        self._seed = seed
        self._kinds = [_speech] * 8
        self._kinds += [_monitor, _monitor, _call, _name, self._secret]
        #: Bytes each TLS connection has sent.
        self._sent = [1] * 200

    def beside(self, frame: Frame) -> Iterator[Frame]:
        """About as many bytes as a frame has."""
        left = len(frame.data)
        while left > 0:
            data = self._seed.choice(self._kinds)(self._seed)
            left -= len(data)
            yield frame._replace(data=data)

    def _secret(self, seed: random.Random) -> bytes:
        """The next segment of one of the TLS connections."""
        record = b"\x17\x03\x03\x04\x00" + seed.randbytes(1024)
        which = seed.randrange(len(self._sent))
        sent = self._sent[which]
        self._sent[which] = (sent + len(record)) % 2**32
        ports = 40000 + which, 5061
        tcp = struct.pack(">HHIIBBHHH", *ports, sent, 1, 0x50, 24, 9, 0, 0)
        return _ip(6, tcp + record)


def _ip(protocol: int, payload: bytes) -> bytes:
    sizes = 20 + len(payload), 1, 0, 64, protocol, 0
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, *sizes, b"\x0a\0\0\x02", PROXY)
    return ETHERNET + head + payload


def _udp(payload: bytes, source: int, target: int) -> bytes:
    return _ip(17, struct.pack(">HHHH", source, target, 8 + len(payload), 0) + payload)


def _speech(seed: random.Random) -> bytes:
    head = struct.pack(">BBHII", 0x80, 0, seed.randrange(65536), 160, 7)
    return _udp(head + bytes(160), 16384, 16386)


def _monitor(seed: random.Random) -> bytes:
    call = seed.randrange(10**9)
    return _udp(_request("OPTIONS", "monitor", call, b""), 5090, 5060)


def _call(seed: random.Random) -> bytes:
    body = b"v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nt=0 0\r\n" + b"a=x:y\r\n" * 60
    return _udp(_request("INVITE", "caller", seed.randrange(10**9), body), 5062, 5060)


def _request(method: str, user: str, call: int, body: bytes) -> bytes:
    return (
        f"{method} sip:bob@sip.example.org SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP 10.0.0.2:5062;branch=z9hG4bK{call}\r\n"
        f"From: <sip:{user}@sip.example.org>;tag={call}\r\n"
        f"To: <sip:bob@sip.example.org>\r\nCall-ID: n{call}\r\nCSeq: 1 {method}\r\n"
        f"Contact: <sip:{user}@10.0.0.2:5062;pn-provider=apns;pn-prid={call:064x};"
        f"pn-param=ABCD1234.org.example.phone.voip>\r\nMax-Forwards: 70\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def _name(seed: random.Random) -> bytes:
    head = struct.pack(">HHHHHH", seed.randrange(65536), 0x100, 1, 0, 0, 0)
    return _udp(head + b"\x03sip\x07example\x03org\0\0\x01\0\x01", 40000, 53)
