"""Capture files of tcpdump: pcap, in either byte order, with µs or ns (pcap-savefile(5)).

A packet record is 16 bytes and what was captured of the packet. A record that lies about its
length is told, and reading goes on at the next that can be one.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable

from registrations.formats.capturefile import (
    LONGEST_PACKET,
    CaptureForm,
    PacketFile,
)
from registrations.formats.packets import LINKS, Link

#: Magic → byte order, fractions of a second, bytes of a record's header.
MAGICS: dict[bytes, tuple[str, int, int]] = {
    b"\xd4\xc3\xb2\xa1": ("<", 1_000_000, 16),
    b"\xa1\xb2\xc3\xd4": (">", 1_000_000, 16),
    b"\x4d\x3c\xb2\xa1": ("<", 1_000_000_000, 16),
    b"\xa1\xb2\x3c\x4d": (">", 1_000_000_000, 16),
    # Kuznetzov's: eight bytes more a record.
    b"\x34\xcd\xb2\xa1": ("<", 1_000_000, 24),
    b"\xa1\xb2\xcd\x34": (">", 1_000_000, 24),
}
FILE_HEAD = 24
#: What can be a record's header: a fraction below 2**30, some bytes captured but fewer than
#: 2**21, sent fewer than 2**24.
RECORD = {
    "<": re.compile(rb"(?s)(?=.{7}[\x00-\x3b](?!\0{4}).{2}[\x00-\x1f]\0.{3}\0)"),
    ">": re.compile(rb"(?s)(?=.{4}[\x00-\x3b].{3}(?!\0{4})\0[\x00-\x1f].{2}\0)"),
}
#: Behind a lie, a record of another time than this is none.
NEAR_SECONDS = 30 * 86_400


class Pcap(PacketFile):
    """A reader of one pcap file. `head`: its beginning, where `position` lies behind it."""

    form = CaptureForm("pcap")

    def __init__(self, position: int = 0, head: bytes = b"") -> None:
        super().__init__(position, head)
        self._link: Link | None = None
        self._order, self._is_open = "<", False
        if position and len(head) >= FILE_HEAD:
            self._open(head)

    def _open(self, head: bytes) -> None:
        self._is_open = True
        self._order, self._fractions, self._record_head = MAGICS.get(
            head[:4], ("<", 1_000_000, 16)
        )
        self._head = struct.Struct(f"{self._order}IIII").unpack_from
        (link_type,) = struct.unpack_from(f"{self._order}I", head, 20)
        # The upper bits tell of a frame check sequence.
        self._link = LINKS.get(link_type & 0xFFFF)

    def _read(self, *, is_last: bool = False) -> None:
        if not self._is_open and len(self._data) >= FILE_HEAD:
            self._open(self._data)
            self._at = FILE_HEAD
        if self._is_open:
            super()._read(is_last=is_last)

    def _records(self) -> bool:
        """Read whole records; True when the next cannot be one."""
        data, at, end = self._data, self._at, len(self._data)
        size, head, link, base = self._record_head, self._head, self._link, self._base
        frame, per_micro = self._frames.frame, self._fractions // 1_000_000
        newest, lies = self._newest or 0, False
        while at + size <= end:
            seconds, fraction, captured, _ = head(data, at)
            stop = at + size + captured
            lies = captured > LONGEST_PACKET or fraction >= self._fractions
            if lies or stop > end:
                break
            micros = seconds * 1_000_000 + fraction // per_micro
            if micros > newest:
                newest = micros
            if link is not None:
                frame(link, data, at + size, stop, (base + at, micros))
            at = stop
        self._at, self._newest = at, newest or None
        return lies

    def _candidates(self, start: int) -> Iterable[re.Match[bytes]]:
        return RECORD[self._order].finditer(self._data, start)

    def _is_record(self, at: int, is_last: bool) -> bool | None:
        """True when a record can stand here with another behind it."""
        following = self._following(at)
        if following is None:
            return False
        if following + self._record_head <= len(self._data):
            return self._following(following) is not None
        return following <= len(self._data) if is_last else None

    def _following(self, at: int) -> int | None:
        """Where the record behind the one at `at` stands; None when that is none."""
        seconds, fraction, captured, _ = self._head(self._data, at)
        near = self._newest is None or (
            abs(seconds - self._newest // 1_000_000) < NEAR_SECONDS
        )
        if captured > LONGEST_PACKET or fraction >= self._fractions or not near:
            return None
        return at + self._record_head + captured
