"""Frames of a capture → records of the SIP in them.

Most packets cannot matter, and are put aside by the first bytes of their UDP payload. HEP
copies are among those: a message counts where it was on the wire itself.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from registrations.formats.fragments import Fragments
from registrations.formats.packets import (
    IPV4,
    TCP,
    UDP,
    Link,
    Mark,
    Packet,
    read_packet,
)
from registrations.formats.record import Record
from registrations.formats.stream import LONGEST_HEAD, Message
from registrations.formats.tcp import FIN, RST, SYN, Flows, Segment
from registrations.formats.wire import Hop, Wire, unfinished

#: What a quick look needs of IPv6: length, protocol, and the bytes `Link.look` tells.
LOOK6 = struct.Struct(">4xHB41x8s").unpack_from
LOOK6_BYTES = 56
#: Payloads that matter: REGISTERs, calls, and answers; keep-alives may stand before them.
SIP_HEADS = frozenset(
    {b"REGISTER", b"SIP/2.0 ", b"INVITE s", b"INVITE S", b"BYE sip:", b"BYE sips"}
)
BLANK = frozenset(b"\r\n")
#: Of a whole datagram: addresses, port of the sender, length.
UDP4 = struct.Struct(">12x4s4sHxxH").unpack_from
UDP_HEAD = struct.Struct(">HHH").unpack_from
TCP_HEAD = struct.Struct(">HHI4xBB").unpack_from
OPENS_OR_ENDS = FIN | SYN | RST


class Frames:
    """Reads frame after frame, and adds what they held to `records`."""

    def __init__(self, records: list[Record]) -> None:
        self._records = records
        self._wire = Wire()
        self._flows = Flows()
        self._fragments = Fragments()

    @property
    def oldest(self) -> int | None:
        """Position of the first packet that something is still waited with."""
        held = (self._flows.oldest, self._fragments.oldest)
        return min((one for one in held if one is not None), default=None)

    def frame(self, link: Link, data: bytes, start: int, stop: int, mark: Mark) -> None:
        """Take in the frame `data[start:stop]` of the packet record at `mark`."""
        if stop - start >= link.look_bytes:
            kind, first, size, pieces, protocol, head = link.look(data, start)
            # Of a piece of a datagram it is not known yet what it holds.
            if first == 0x45 and kind in IPV4 and not pieces & 0x3FFF:
                if protocol == UDP and head not in SIP_HEADS and head[0] not in BLANK:
                    return
                at = start + link.head_bytes
                # Segmentation offload leaves a length of 0.
                if 28 <= size <= stop - at:
                    self._short_cut(protocol, data, at, at + size, mark)
                    return
        at = link.find(data, start, stop)
        if at < 0 or at >= stop:
            return
        if data[at] >> 4 == 6 and is_idle6(data, at, stop):
            return
        packet = read_packet(data, at, stop)
        if packet is not None:
            self._packet(packet, data, mark)

    def _short_cut(
        self, protocol: int, data: bytes, at: int, stop: int, mark: Mark
    ) -> None:
        """A whole packet of IPv4 without options: most of what matters is one."""
        if protocol == TCP:
            # The ports stand behind the addresses.
            self._segment(data[at + 12 : at + 24], data, at + 20, stop, 0, mark)
        elif protocol == UDP:
            source, target, port, length = UDP4(data, at)
            end = at + 20 + length
            if length < 8:
                end = stop
            hop = Hop(*mark, "udp", source, port, target)
            payload = data[at + 28 : min(end, stop)]
            record = self._wire.datagram(payload, hop, is_cut=end > stop)
            if record is not None:
                self._records.append(record)

    def end(self) -> None:
        """Nothing more will come."""
        for key, messages, lost in self._flows.end():
            self._tell(key, messages, lost)

    def _packet(self, packet: Packet, data: bytes, mark: Mark) -> None:
        if packet.fragment is not None:
            whole = self._fragments.add(packet, data[packet.start : packet.end], mark)
            if whole is None:
                return
            packet, data, mark = whole
        size = packet.end - packet.start
        if packet.protocol == UDP and size >= 8:
            self._datagram(packet, data, mark)
        elif packet.protocol == TCP:
            start, end = packet.start, packet.end
            key = packet.source + packet.target + data[start : start + 4]
            self._segment(key, data, start, end, packet.missing, mark)

    def _datagram(self, packet: Packet, data: bytes, mark: Mark) -> None:
        port, _, length = UDP_HEAD(data, packet.start)
        end = packet.start + length if length >= 8 else packet.end
        payload = data[packet.start + 8 : min(end, packet.end)]
        hop = Hop(*mark, "udp", packet.source, port, packet.target)
        record = self._wire.datagram(payload, hop, is_cut=end > packet.end)
        if record is not None:
            self._records.append(record)

    def _segment(
        self, key: bytes, data: bytes, start: int, end: int, missing: int, mark: Mark
    ) -> None:
        """`data[start:end]` is a segment of the flow `key`: addresses and ports."""
        if end - start < 20:
            return
        *_, sequence, offset, flags = TCP_HEAD(data, start)
        begin = start + (offset >> 4) * 4
        if begin < start + 20 or begin > end:
            return
        if begin == end and not flags & OPENS_OR_ENDS:
            return
        segment = Segment(sequence, data[begin:end], mark, missing)
        messages, lost = self._flows.take(key, flags, segment)
        if messages or lost:
            self._tell(key, messages, lost)

    def _tell(
        self, key: bytes, messages: Iterable[Message], lost: Iterable[Message]
    ) -> None:
        """Records of what a TCP flow held; `lost`: messages that will not be whole."""
        size = (len(key) - 4) // 2
        source, target = key[:size], key[size : 2 * size]
        port = int.from_bytes(key[2 * size : 2 * size + 2], "big")
        hops = (source, port, target)
        told = [
            self._wire.message(head, Hop(*mark, "tcp", *hops))
            for head, mark in messages
        ]
        told += [
            unfinished(_why_lost(head), head, Hop(*mark, "tcp", *hops))
            for head, mark in lost
        ]
        self._records.extend(record for record in told if record is not None)


def _why_lost(head: bytes) -> str:
    return "headers_cut" if len(head) >= LONGEST_HEAD else "segment_lost"


def is_idle(protocol: int, size: int, head: bytes) -> bool:
    """True when a packet cannot matter: UDP that is no SIP, a mere acknowledgement of TCP.

    `size`: of the IP payload; `head`: its bytes 8 to 16.
    """
    if protocol == UDP:
        return head not in SIP_HEADS and head[0] not in BLANK
    if protocol == TCP:
        return size == (head[4] >> 4) * 4 and not head[5] & OPENS_OR_ENDS
    return False


def is_idle6(data: bytes, at: int, stop: int) -> bool:
    """The same of a packet of IPv6 without extension headers."""
    if stop - at < LOOK6_BYTES:
        return False
    size, protocol, head = LOOK6(data, at)
    return is_idle(protocol, size, head)
