"""Kamailio's `sipdump` files: a block for each message it received or sent.

The blocks say nowhere how long a message is, and a phone can put anything into its datagram, a
block of its own making too. What it cannot know is the number of the process that writes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from registrations.formats.cutting import (
    HEADERS_END,
    LONGEST_MESSAGE,
    is_whole,
)
from registrations.formats.form import Lead
from registrations.formats.messages import record_of
from registrations.formats.record import Pulse, Record, Request, Unreadable
from registrations.formats.refused import half
from registrations.formats.turning import Turning
from registrations.sip import read_message

CONTENT_LENGTH = re.compile(rb"(?i)\n(?:content-length|l)[ \t]*:[ \t]*(\d{1,9})")
#: All lines end with CR LF in a copy that passed through Windows.
BEGIN = re.compile(rb"={20}\r?\ntag: ")
LONGEST_BEGIN = 27
HEAD = re.compile(
    # Not every version writes the number of the process and the date.
    BEGIN.pattern + rb"(\w+)\r?\npid: (\d{1,10})\r?\n(?:process: \d{1,6}\r?\n)?"
    rb"time: (\d{1,11})\.(\d{6})\r?\n(?:date: [^\n]{1,40}\n)?"
    rb"proto: (\w+) (ipv[46])\r?\n"
    rb"srcip: ([^\r\n]{1,64})\r?\nsrcport: (\d{1,5})\r?\n"
    rb"dstip: [^\n]{1,64}\ndstport: \d{1,5}\r?\n~{20}\r?\n"
)
#: Answers of Kamailio's own hold no line of a phone's.
ANSWER = b"SIP/2.0 "
#: Nothing else begins with such a line.
SHAPE = re.compile(rb"={20}\r?\n")
LONGEST_HEAD = 512
END = re.compile(rb"\|{20}\r?\n")
LONGEST_END = 22
#: Where a block ends and the next one follows.
BOUNDARY = re.compile(END.pattern + rb"(?=" + HEAD.pattern + rb")")
NEXT = re.compile(rb"\n(?=" + BEGIN.pattern + rb")")
#: The processes of one Kamailio are started one behind the other.
PROCESSES = 256
#: Processes write one behind the other, at about the same time.
DISORDER = timedelta(seconds=1)
#: A datagram is no longer; what it forges ends with it.
LONGEST_DATAGRAM = 65_536


@dataclass(frozen=True, slots=True)
class Block:
    """The head of a block at `start`; its message begins at `message`."""

    start: int
    message: int
    pid: int
    tag: bytes
    at: datetime | None
    source: str


@dataclass(frozen=True, slots=True)
class SipdumpForm:
    """What intake asks of a format."""

    name: str = "sipdump"
    always_answers: bool = False


class Sipdump:
    """Reads blocks; believes one that a phone could have made only if it knows its process."""

    def __init__(self, position: int = 0) -> None:
        self.form = SipdumpForm()
        #: Nothing is looked for between blocks: a phone may have put it there.
        self.turning = Turning("sipdump", None)
        self._data = b""
        self._base = position
        self._at = 0
        self._newest: datetime | None = None
        #: Process and time of the newest block we believe.
        self._pid: int | None = None
        self._time: datetime | None = None
        #: Up to here the newest message that a phone sent may reach.
        self._forgeable_until = 0

    @property
    def resume_position(self) -> int:
        """From here reading must start again so that nothing is lost."""
        return self._base + self._at

    def feed(self, data: bytes) -> list[Record]:
        """Records that these bytes complete."""
        self._data = self._data[self._at :] + data
        self._base += self._at
        self._at = 0
        return self._records(is_last=False)

    def end(self) -> list[Record]:
        """Records left when nothing more will come."""
        return self._records(is_last=True)

    def _records(self, *, is_last: bool) -> list[Record]:
        records: list[Record] = []
        before = self._newest
        while self._step(records, is_last):
            pass
        if self._newest is not None and self._newest != before:
            records.append(Pulse(position=self.resume_position, at=self._newest))
        return records

    def _step(self, records: list[Record], is_last: bool) -> bool:
        begin = BEGIN.search(self._data, self._at)
        if begin is None:
            kept = 0 if is_last else LONGEST_BEGIN - 1
            self._at = max(self._at, len(self._data) - kept)
            return False
        self._at = start = begin.start()
        block = self._head(start)
        if block is None:
            if len(self._data) - start < LONGEST_HEAD and not is_last:
                return False
            records.append(self._headless(start))
            self._at = begin.end()
        elif not self._is_believed(block):
            records.append(self._doubted(block))
            self._at = block.message
        else:
            self._believe(block)
            ends = self._ends(block, is_last)
            if ends is None:
                return False
            self._take(block, *ends, records)
        return True

    def _is_believed(self, block: Block) -> bool:
        """False for a block that the phone of the newest message may have made up."""
        if self._base + block.start >= self._forgeable_until:
            return True
        is_known = self._pid is None or abs(block.pid - self._pid) <= PROCESSES
        return is_known and not self._is_older(block)

    def _is_older(self, block: Block) -> bool:
        """A copy of a block that was there before."""
        return None not in (self._time, block.at) and self._time - block.at > DISORDER

    def _believe(self, block: Block) -> None:
        self._pid, self._time = block.pid, block.at
        is_ours = block.tag == b"snd" and self._data.startswith(ANSWER, block.message)
        reach = 0 if is_ours else self._base + block.message + LONGEST_DATAGRAM
        self._forgeable_until = reach

    def _doubted(self, block: Block) -> Unreadable:
        return Unreadable(
            position=self._base + block.start,
            at=None,
            rule="sipdump_block",
            detail="a block inside a message, or of a process not seen before",
            raw=self._data[block.start : block.message],
        )

    def _headless(self, start: int) -> Unreadable:
        return Unreadable(
            position=self._base + start,
            at=None,
            rule="sipdump_head",
            detail="a block whose head is not known",
            raw=self._data[start : start + LONGEST_HEAD],
        )

    def _ends(self, block: Block, is_last: bool) -> tuple[int, int] | None:
        """Where the message ends, and where its block does; None while that is open."""
        start, limit = block.message, block.message + LONGEST_MESSAGE
        head = HEADERS_END.search(self._data, start, limit)
        for inner in BOUNDARY.finditer(
            self._data, start, head.end() if head else limit
        ):
            if self._is_believed(self._head(inner.end())):
                return inner.start(), inner.end()
        if head is None:
            return self._without_end(start, is_last)
        length = CONTENT_LENGTH.search(self._data, start, head.end())
        end = head.end() + (int(length[1]) if length else 0)
        if end <= limit:
            closing = END.match(self._data, end)
            if closing is not None:
                return end, closing.end()
            if len(self._data) < end + LONGEST_END and not is_last:
                return None
        return self._behind(start, head.end(), end, is_last)

    def _without_end(self, start: int, is_last: bool) -> tuple[int, int] | None:
        """No empty line so far: a keep-alive, or there is more to come."""
        if len(self._data) - start <= LONGEST_MESSAGE and not is_last:
            return None
        if len(self._data) - start > LONGEST_MESSAGE:
            # Longer than any message: go on at the next block.
            return start + LONGEST_MESSAGE, start + LONGEST_MESSAGE
        end = _last(END, self._data, start)
        end = len(self._data) if end is None else end
        return end, max(end, _last(BEGIN, self._data, start) or 0)

    def _behind(
        self, start: int, head_end: int, end: int, is_last: bool
    ) -> tuple[int, int] | None:
        """The Content-Length is not the truth, or there is none: the next block decides."""
        limit = start + LONGEST_MESSAGE
        for found in BOUNDARY.finditer(self._data, head_end, limit):
            if self._is_believed(self._head(found.end())):
                return min(end, found.start()), found.end()
        if len(self._data) < limit + LONGEST_HEAD and not is_last:
            return None
        last = _last(END, self._data, head_end) if is_last else None
        stop = head_end if last is None else last
        return min(end, stop), stop

    def _take(
        self, block: Block, end: int, block_end: int, records: list[Record]
    ) -> None:
        raw, self._at = self._data[block.message : end], block_end
        following = self._unannounced(block.message, raw)
        if following is not None:
            raw, self._at = self._data[block.message : following], following
        if block.at is not None and (self._newest is None or block.at > self._newest):
            self._newest = block.at
        lead = Lead(
            position=self._base + block.start,
            at=block.at,
            source=block.source,
            received=block.tag == b"rcv",
        )
        record = record_of(lead, raw, read_message(raw))
        if isinstance(record, Request) and not is_whole(raw):
            record = half(record)
        if record is not None:
            records.append(record)

    def _unannounced(self, start: int, raw: bytes) -> int | None:
        """Where the next block begins amid headers: the end of this one was never written."""
        begin = NEXT.search(raw)
        if begin is None or HEADERS_END.search(raw, 0, begin.end()):
            return None
        block = self._head(start + begin.end())
        is_next = block is not None and self._is_believed(block)
        return block.start if is_next else None

    def _head(self, start: int) -> Block | None:
        found = HEAD.match(self._data, start)
        if found is None:
            return None
        tag, pid, seconds, micros, proto, family, host, port = found.groups()
        name = host.decode("ascii", "replace")
        name = f"[{name}]" if family == b"ipv6" and not name.startswith("[") else name
        source = f"{proto.decode().lower()}:{name}:{port.decode()}"
        at = _moment(int(seconds), int(micros))
        return Block(start, found.end(), int(pid), tag, at, source)


def _last(pattern: re.Pattern[bytes], data: bytes, start: int) -> int | None:
    """Where the last match behind `start` begins."""
    places = [found.start() for found in pattern.finditer(data, start)]
    return places[-1] if places else None


def _moment(seconds: int, micros: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=micros)
    except (ValueError, OverflowError, OSError):
        return None
