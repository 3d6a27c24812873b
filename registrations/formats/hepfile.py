"""Files of HEP packets: version 3 one behind the other, or records of any version.

A record is a length of 4 bytes, the moment of arrival as a double of 8 (both big-endian), and
one packet. A packet's own time counts; version 1 has none, and takes that of arrival.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable

from registrations.formats.capturefile import CaptureFile, CaptureForm
from registrations.formats.hep import MAGIC, SIP, Hep, HepError, decode
from registrations.formats.record import Record
from registrations.formats.stream import Stream
from registrations.formats.wire import Hop, Wire, unfinished

RECORD = struct.Struct(">Id").unpack_from
RECORD_HEAD = 12
#: The beginning of a record: a length below 2**16, a time from 2001 to 2100, a packet.
FRAMED = re.compile(
    rb"\0\0..\x41[\xcd-\xef].{6}(?:HEP3|[\x01\x02][\x10\x1c\x28\x34])", re.S
)
FRAMED_BYTES = 16
NEXT = re.compile(rb"HEP3|" + FRAMED.pattern, re.S)


def is_record(head: bytes) -> bool:
    """True when these first bytes are a record's."""
    return FRAMED.match(head) is not None


class HepFile(CaptureFile):
    """A reader of one file of HEP packets, with a log reader's interface."""

    form = CaptureForm("hep")

    def __init__(self, position: int = 0, head: bytes = b"") -> None:
        super().__init__(position, head)
        self._wire = Wire()

    def _records(self) -> bool:
        end = len(self._data)
        while self._at + FRAMED_BYTES <= end:
            arrived, start, stop = self._bounds(self._at)
            if stop is None:
                return True
            if stop > end:
                return False
            if not self._packet(start, stop, arrived):
                return True
            self._at = stop
        return False

    def _bounds(self, at: int) -> tuple[float | None, int, int | None]:
        """Arrival (s since 1970), beginning and end of the packet at `at`; None: none."""
        if self._data.startswith(MAGIC, at):
            size = int.from_bytes(self._data[at + 4 : at + 6], "big")
            return None, at, at + size if size >= 6 else None
        if not FRAMED.match(self._data, at):
            return None, at, None
        size, arrived = RECORD(self._data, at)
        return arrived, at + RECORD_HEAD, at + RECORD_HEAD + size

    def _packet(self, start: int, stop: int, arrived: float | None) -> bool:
        """Take in one packet; False when it lies: its end may be another then."""
        try:
            hep = decode(self._data[start:stop], arrived)
        except HepError as error:
            self._refuse(error.rule, error.detail, self._at)
            self._is_lost = True
            # Where the record lied about the packet's length, the packet may not.
            is_frames = start > self._at and error.rule in ("hep_length", "hep_magic")
            self._at = start if is_frames else start + 1
            return False
        micros = hep.micros
        if micros is None and arrived is not None:
            micros = round(arrived * 1_000_000)
        if micros is not None and micros > (self._newest or 0):
            self._newest = micros
        if hep.kind == SIP:
            mark = self._base + self._at, micros
            hop = Hop(*mark, hep.protocol, hep.source, hep.source_port, hep.target)
            self._out.extend(records_of(self._wire, hep, hop))
        return True

    def _candidates(self, start: int) -> Iterable[re.Match[bytes]]:
        return NEXT.finditer(self._data, start)

    def _is_record(self, at: int, is_last: bool) -> bool | None:
        return True


def records_of(wire: Wire, hep: Hep, hop: Hop) -> list[Record]:
    """The records of one HEP packet's payload."""
    if hep.protocol == "udp":
        records = [wire.datagram(hep.payload, hop, is_cut=False)]
    else:
        # What was sent as a stream may hold several messages.
        stream = Stream(is_fresh=True)
        messages = stream.take(hep.payload, (hop.position, hop.micros))
        records = [wire.message(head, hop) for head, _ in messages]
        under_way = stream.gap(0)
        cut = stream.given_up + ([under_way] if under_way is not None else [])
        records += [unfinished("headers_cut", head, hop) for head, _ in cut]
    return [record for record in records if record is not None]
