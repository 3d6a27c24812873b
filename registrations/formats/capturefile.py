"""What the capture file formats share: bytes in pieces of any size → whole records.

A reader has `feed`, `end`, `resume_position` and `form`, as a log's reader has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from registrations.formats.frames import Frames
from registrations.formats.record import Pulse, Record, Unreadable
from registrations.formats.wire import moment

#: Longer packets and blocks are a lie about their length (tcpdump's limit is 262,144).
LONGEST_PACKET = 1024 * 1024
#: No record is shorter, and fewer bytes do not tell whether they are one.
SHORTEST = 24
#: Bytes shown of a record that lies: as many as are always there then.
TOLD = 12
#: How far behind a message may lie that reading starts again from after a restart.
FARTHEST_BACK = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class CaptureForm:
    """A capture may show the registrar's answers, or only one direction."""

    name: str
    always_answers: bool = False


class CaptureFile:
    """Holds the bytes not yet read. A subclass reads records off them.

    `head`: the file's first bytes, where `position` lies behind them.
    """

    form: CaptureForm

    def __init__(self, position: int = 0, head: bytes = b"") -> None:
        self._data = b""
        self._base = position
        self._at = 0  # index into _data of the first byte not yet read
        self._out: list[Record] = []
        self._is_lost = False
        #: Newest moment of the packets read, in µs, and the one told last.
        self._newest: int | None = None
        self._told: int | None = None

    @property
    def resume_position(self) -> int:
        """From here reading must start again so that nothing is lost."""
        reached = self._base + self._at
        oldest = self._oldest()
        if oldest is None:
            return reached
        return max(oldest, reached - FARTHEST_BACK)

    def feed(self, data: bytes) -> list[Record]:
        """Records that these bytes complete."""
        self._data = (
            self._data[self._at :] + data if self._at < len(self._data) else data
        )
        self._base += self._at
        self._at = 0
        self._read()
        return self._taken()

    def end(self) -> list[Record]:
        """Records left when nothing more will come.

        A last record that claims more than the file holds is cut off, or lies: it lies if
        others stand behind its beginning.
        """
        at, told = self._at, len(self._out)
        if len(self._data) - self._at > SHORTEST and self._resume(is_last=True):
            self._read(is_last=True)
        else:
            del self._out[told:]
            self._at = at
        if b"REGISTER sip" in self._data[self._at :]:
            self._refuse("file_cut", "the file ends within a packet", self._at)
        self._finish()
        return self._taken()

    def _oldest(self) -> int | None:
        """Position of the first record that something is still waited with."""
        return None

    def _finish(self) -> None:
        """Tell what is still under way: nothing more will come."""

    def _read(self, *, is_last: bool = False) -> None:
        """Read the whole records there are, from _at on."""
        while (self._is_lost or self._records()) and self._resume(is_last):
            pass

    def _records(self) -> bool:
        """Read whole records; True when the next cannot be one."""
        raise NotImplementedError

    def _resume(self, is_last: bool) -> bool:
        """Find the next record behind one that lies; True when _at is there."""
        start = self._at
        if not self._is_lost:
            self._refuse("packet_length", "a record that lies about its length", start)
            self._is_lost, start = True, start + 1
        for found in self._candidates(start):
            is_record = self._is_record(found.start(), is_last)
            if is_record is not False:
                self._at = found.start()
                self._is_lost = is_record is None
                return not self._is_lost
        self._at = max(start, len(self._data) - SHORTEST)
        return False

    def _candidates(self, start: int) -> Iterable[re.Match[bytes]]:
        """Where a record might stand, from index `start` on."""
        raise NotImplementedError

    def _is_record(self, at: int, is_last: bool) -> bool | None:
        """True when a record stands there; None when more bytes must tell."""
        raise NotImplementedError

    def _refuse(self, rule: str, detail: str, index: int) -> None:
        """The bytes at `index` should have been a packet record."""
        self._out.append(
            Unreadable(
                position=self._base + index,
                at=None if self._newest is None else moment(self._newest),
                rule=rule,
                detail=detail,
                raw=self._data[index : index + TOLD],
            )
        )

    def _taken(self) -> list[Record]:
        records, self._out[:] = self._out[:], []
        if self._newest is not None and self._newest != self._told:
            at = moment(self._newest)
            if at is not None:
                records.append(Pulse(position=self.resume_position, at=at))
            self._told = self._newest
        return records


class PacketFile(CaptureFile):
    """A capture of frames: TCP and fragments may have to wait for others."""

    def __init__(self, position: int = 0, head: bytes = b"") -> None:
        super().__init__(position, head)
        self._frames = Frames(self._out)

    def _oldest(self) -> int | None:
        return self._frames.oldest

    def _finish(self) -> None:
        self._frames.end()
