"""Capture files of Wireshark: pcapng (draft-ietf-opsawg-pcapng), both byte orders, several
sections and interfaces, each interface with its own link type and resolution of time.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from registrations.formats.capturefile import (
    LONGEST_PACKET,
    CaptureForm,
    PacketFile,
)
from registrations.formats.packets import LINKS, Link

SECTION = b"\x0a\x0d\x0d\x0a"
#: Its four bytes read the same in either order.
SECTION_TYPE = 0x0A0D0D0A
ORDERS = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
ENDIAN: dict[str, Literal["little", "big"]] = {"<": "little", ">": "big"}
#: What reading may go on with behind a lie: a packet of less than 2**24 bytes, a section.
NEXT = {
    "<": re.compile(rb"(?s)(?=\x06\x00\x00\x00.{3}\x00|" + SECTION + rb")"),
    ">": re.compile(rb"(?s)(?=\x00\x00\x00\x06\x00.{3}|" + SECTION + rb")"),
}
INTERFACE, OLD_PACKET, SIMPLE_PACKET, ENHANCED_PACKET = 1, 2, 3, 6
#: Blocks of other kinds (names, keys, custom) may be longer than a packet.
LONGEST_BLOCK = 16 * LONGEST_PACKET
MOST_INTERFACES = 10_000
END_OF_OPTIONS, TIME_RESOLUTION, TIME_OFFSET = 0, 9, 14
BLOCK_HEAD = 12


@dataclass(frozen=True, slots=True)
class Interface:
    """`ticks` a second, and seconds to add. `snap`: bytes kept of a packet, 0 for all."""

    link: Link | None
    snap: int
    ticks: int = 1_000_000
    offset: int = 0

    def micros(self, stamp: int) -> int:
        """µs since 1970 of a time stamp; what is finer is dropped."""
        ticks = self.ticks
        if ticks != 1_000_000:
            stamp = stamp * 1_000_000 // ticks
        return stamp + self.offset * 1_000_000


class Pcapng(PacketFile):
    """A reader of one pcapng file. `head`: its beginning, where `position` lies behind it."""

    form = CaptureForm("pcapng")

    def __init__(self, position: int = 0, head: bytes = b"") -> None:
        super().__init__(position, head)
        self._interfaces: list[Interface] = []
        self._set_order("<")
        if position:
            self._describe(head[:position])

    def _set_order(self, order: str) -> None:
        self._order = order
        self._block = struct.Struct(f"{order}II").unpack_from
        self._stamped = struct.Struct(f"{order}IIII").unpack_from
        self._old = struct.Struct(f"{order}HHIII").unpack_from

    def _describe(self, head: bytes) -> None:
        """Byte order and interfaces, out of the blocks in front of a packet read before."""
        at = 0
        while at + BLOCK_HEAD <= len(head):
            kind, size = self._kind_and_size(head, at)
            if not _is_size(size) or at + size > len(head):
                return
            if kind == INTERFACE:
                self._interface(head, at, at + size)
            at += size

    def _records(self) -> bool:
        """Read whole blocks; True when the next cannot be one."""
        data, at, end = self._data, self._at, len(self._data)
        lies = False
        while at + BLOCK_HEAD <= end:
            kind, size = self._block(data, at)
            if kind == SECTION_TYPE:
                kind, size = self._kind_and_size(data, at)
            stop = at + size
            lies = not _is_size(size) or (
                stop <= end and data[stop - 4 : stop] != data[at + 4 : at + 8]
            )
            if lies or stop > end:
                break
            if kind == ENHANCED_PACKET:
                self._enhanced(data, at, stop)
            elif kind in OTHERS:
                OTHERS[kind](self, data, at, stop)
            at = stop
        self._at = at
        return lies

    def _kind_and_size(self, data: bytes, at: int) -> tuple[int, int]:
        """A section has a byte order of its own, and interfaces of its own."""
        if data[at : at + 4] == SECTION:
            self._set_order(ORDERS.get(data[at + 8 : at + 12], self._order))
            self._interfaces = []
        return self._block(data, at)

    # Blocks

    def _enhanced(self, data: bytes, at: int, stop: int) -> None:
        if stop - at >= 32:
            number, high, low, captured = self._stamped(data, at + 8)
            self._frame(data, at, stop, number, captured, high << 32 | low)

    def _obsolete(self, data: bytes, at: int, stop: int) -> None:
        if stop - at >= 32:
            number, _, high, low, captured = self._old(data, at + 8)
            self._frame(data, at, stop, number, captured, high << 32 | low)

    def _frame(
        self, data: bytes, at: int, stop: int, number: int, captured: int, stamp: int
    ) -> None:
        start = at + 28
        if number >= len(self._interfaces):
            return
        if captured > stop - 4 - start:
            self._refuse("packet_length", "a packet longer than its block", at)
            return
        interface = self._interfaces[number]
        micros = interface.micros(stamp)
        if self._newest is None or micros > self._newest:
            self._newest = micros
        if interface.link is not None:
            mark = self._base + at, micros
            self._frames.frame(interface.link, data, start, start + captured, mark)

    def _simple(self, data: bytes, at: int, stop: int) -> None:
        """A packet of the first interface, without a time."""
        if not self._interfaces or stop - at < 16:
            return
        interface, start = self._interfaces[0], at + 12
        sent = int.from_bytes(data[at + 8 : start], ENDIAN[self._order])
        captured = min(sent, interface.snap or sent, stop - 4 - start)
        if interface.link is not None:
            mark = self._base + at, None
            self._frames.frame(interface.link, data, start, start + captured, mark)

    def _interface(self, data: bytes, at: int, stop: int) -> None:
        if stop - at < 20 or len(self._interfaces) >= MOST_INTERFACES:
            return
        endian = ENDIAN[self._order]
        options = dict(self._options(data, at + 16, stop - 4))
        resolution = options.get(TIME_RESOLUTION, b"\6")[:1]
        offset = int.from_bytes(options.get(TIME_OFFSET, b"")[:8], endian, signed=True)
        self._interfaces.append(
            Interface(
                LINKS.get(int.from_bytes(data[at + 8 : at + 10], endian)),
                int.from_bytes(data[at + 12 : at + 16], endian),
                ticks_of(resolution[0] if resolution else 6),
                offset,
            )
        )

    def _options(self, data: bytes, at: int, stop: int) -> Iterator[tuple[int, bytes]]:
        head = struct.Struct(f"{self._order}HH").unpack_from
        while at + 4 <= stop:
            code, size = head(data, at)
            if code == END_OF_OPTIONS or at + 4 + size > stop:
                return
            yield code, data[at + 4 : at + 4 + size]
            at += 4 + (size + 3 & ~3)

    def _candidates(self, start: int) -> Iterable[re.Match[bytes]]:
        return NEXT[self._order].finditer(self._data, start)

    def _is_record(self, at: int, is_last: bool) -> bool | None:
        """True when a whole block stands here; None: not known yet."""
        if at + BLOCK_HEAD > len(self._data):
            return None if not is_last else False
        orders = ORDERS if self._data[at : at + 4] == SECTION else {b"": self._order}
        order = orders.get(self._data[at + 8 : at + 12], orders.get(b"", self._order))
        size = int.from_bytes(self._data[at + 4 : at + 8], ENDIAN[order])
        if not _is_size(size) or size > LONGEST_PACKET:
            return False
        if at + size > len(self._data):
            return None if not is_last else False
        return self._data[at + size - 4 : at + size] == self._data[at + 4 : at + 8]


OTHERS = {
    INTERFACE: Pcapng._interface,
    OLD_PACKET: Pcapng._obsolete,
    SIMPLE_PACKET: Pcapng._simple,
}


def _is_size(size: int) -> bool:
    return BLOCK_HEAD <= size <= LONGEST_BLOCK and not size & 3


def ticks_of(resolution: int) -> int:
    """Ticks a second of an `if_tsresol` byte: a power of ten, or of two with the high bit."""
    exponent = resolution & 0x7F
    return 2**exponent if resolution & 0x80 else 10 ** min(exponent, 30)
