"""Cuts records out of bytes as they come, in any pieces, with bounded memory.

Most of a log is noise: the reader jumps from marker to marker, and a format says what the
line there is (`Lead`). Fed one byte at a time it gives the same records as fed whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from registrations.formats.cutting import LONGEST_MESSAGE, cut, is_whole
from registrations.formats.form import Format, Lead
from registrations.formats.invites import call_record
from registrations.formats.record import Answer, Pulse, Record, Request
from registrations.formats.refused import endless, half, turned
from registrations.sip import Message, is_register, read_message

START_LINE = re.compile(
    rb"((?:[^\s:]+ +\S.* SIP/2\.0|SIP/2\.0 \d{3}(?: [^\r\n]*)?)[ \t]*\r?\n)", re.I
)
#: The same behind a log prefix in one line.
INLINE_START = re.compile(
    rb"[ \t]((?:[^\s:]+ +[^\s:]+:\S+ +SIP/2\.0|SIP/2\.0 \d{3}(?: [^\r\n]*)?)[ \t]*\r?\n)",
    re.I,
)
STATUS = re.compile(rb"SIP/2\.0 (\d{3})")
CSEQ = re.compile(rb"(\d{1,40})[ \t]+REGISTER\b")
CR = ord("\r")
#: Every start line has this.
MENTION = b"/2.0"
#: And goes on so: a Via goes on with `/UDP`, and log prose with anything else.
VERSION = re.compile(rb"/2\.0(?:[ \t]*\r?\n| \d{3})")
#: Formats without a shape of their own: they are read amid any lines.
TIMELESS = ("plain", "cat")
#: An announced message stands this near behind its announcement, or never comes.
FAR = 64 * 1024
#: How many lines back from the end of what was read the newest time stamp is looked for.
LINES_BACK = 50


class Reader:
    """Feeds bytes to a format and hands out records in order."""

    def __init__(
        self,
        form: Format,
        position: int = 0,
        kind_of: Callable[[bytes], str | None] = lambda line: None,
    ) -> None:
        """`kind_of`: the name of the format that a line shows, if it shows one."""
        self.form, self._kind_of = form, kind_of
        #: The log goes on in another format.
        self._is_turned = False
        self._data = b""
        self._base = position
        self._at = 0  # index into _data of the first byte not yet read
        self._floor = 0  # nothing before it is looked at again
        #: Where markers stand that were not looked at yet, the last one first.
        self._marks: list[int] = []
        self._lead: Lead | None = None
        self._newest: datetime | None = None
        self._skipping = False
        #: Inside a message: its lead, and whether it began amid a line of the log.
        self._open: Lead | None = None
        self._is_inline = False

    @property
    def resume_position(self) -> int:
        """From here reading must start again so that nothing is lost."""
        here = self._open.position if self._open else self._base + self._above(self._at)
        anchor = self.form.anchor
        return anchor if anchor is not None and here - anchor < FAR else here

    def feed(self, data: bytes) -> list[Record]:
        """Records that these bytes complete."""
        kept = self._above(self._at)
        if self._at - kept > FAR:
            kept = self._at
        self._data = self._data[kept:] + data
        self._base += kept
        self._at -= kept
        self._floor = max(self._floor - kept, 0)
        self._marks = self._marked()
        return self._records(is_last=False)

    def end(self) -> list[Record]:
        """Records left when nothing more will come."""
        records = self._records(is_last=True)
        self._floor = self._at
        return records

    def _records(self, *, is_last: bool) -> list[Record]:
        records: list[Record] = []
        before = self._newest
        while self._step(records, is_last):
            pass
        self._note(self._last_moment())
        if self._newest is not None and self._newest != before:
            records.append(Pulse(position=self.resume_position, at=self._newest))
        return records

    def _step(self, records: list[Record], is_last: bool) -> bool:
        """Read one line or one message; False when nothing whole is left."""
        if self._open is not None:
            return self._message(records, is_last)
        data, at, marks = self._data, self._at, self._marks
        while marks and marks[-1] < at:
            marks.pop()
        if not marks or self._skipping:
            return self._rest(records, is_last)
        start = self._at = data.rfind(b"\n", at, marks[-1]) + 1 or at
        end = data.find(b"\n", marks[-1]) + 1
        if end == 0:
            return self._rest(records, is_last)
        if data[end - 2] == CR:
            end = self.form.record_end(data, start, end)
            if end == 0 and not is_last:
                return False
        self._line(end or len(data), records)
        return True

    def _marked(self) -> list[int]:
        """Where markers stand in what we have, the last one first."""
        data, start = self._data, self._at
        marks = [found.start() for found in VERSION.finditer(data, start)]
        for marker in self.form.markers_in(data, start):
            at = data.find(marker, start)
            while at >= 0:
                marks.append(at)
                at = data.find(marker, at + 1)
        marks.sort(reverse=True)
        return marks

    def _rest(self, records: list[Record], is_last: bool) -> bool:
        """No marker in a whole line any more: wait at the line that is not whole."""
        if self._skipping:
            end = self._data.find(b"\n", self._at) + 1
            self._skipping = end == 0
            self._at = self._floor = end or len(self._data)
            return end > 0
        self._at = self._data.rfind(b"\n", self._at) + 1 or self._at
        left = len(self._data) - self._at
        if is_last and left:
            self._data += b"\n"
            self._line(len(self._data), records)
            return self._open is not None
        if left > LONGEST_MESSAGE:
            # Not a log line any more: forget it, go on at the next newline.
            records.append(endless(self._base + self._at, self._data[self._at :]))
            self._skipping = True
            self._at = self._floor = len(self._data)
        return False

    def _line(self, end: int, records: list[Record]) -> None:
        start, position = self._at, self._base + self._at
        line = self._data[start:end]
        lead = self.form.lead(line, position)
        if lead is not None:
            lead.position = position
            self._note(lead.at)
            if lead.answer is not None:
                records.append(lead.answer)
            if lead.records:
                records += lead.records
        if MENTION not in line:
            self._lead, self._at = lead, end
            return
        before = lead or self._lead_before(start)
        found = self._start(line, lead, before)
        if before is None and self._is_foreign(line, records):
            found = None
        if found is None:
            self._lead, self._at = lead, end
            return
        self._is_turned = False
        if lead is None and before is not None and before.size is not None:
            self._open, self._lead, self._is_inline = before, None, False
            self._at = self._data.find(b"\n", before.position - self._base) + 1
        else:
            self._open, self._lead = before or Lead(position=position), None
            self._is_inline = found.start(1) > 0
            self._at += found.start(1)

    def _start(self, line: bytes, lead: Lead | None, before: Lead | None):
        if lead is not None and (lead.size is not None or lead.records):
            return None
        # Where each message is announced, a start line elsewhere is text of a body.
        if self.form.announces and before is None:
            return None
        return INLINE_START.search(line) if lead else START_LINE.match(line)

    def _is_foreign(self, line: bytes, records: list[Record]) -> bool:
        """True for a start line under a line of another format; the first of them is told."""
        at, start = self._above(self._at), self._at
        is_any = self.form.name in TIMELESS
        if at == start or is_any or not START_LINE.match(line):
            return False
        other = self._kind_of(self._data[at:start])
        if other in (None, self.form.name, *TIMELESS):
            return False
        if not self._is_turned:
            raw = self._data[at:start] + line
            records.append(turned(self._base + at, raw, self.form.name, other))
        self._is_turned = True
        return True

    def _lead_before(self, start: int) -> Lead | None:
        """What the line above says."""
        at = self._above(start)
        if at == start:
            return None
        lead = self._lead
        if lead is None or lead.position != self._base + at:
            end = self._data.find(b"\n", at) + 1
            lead = self.form.lead(self._data[at:end], self._base + at)
            if lead is not None:
                lead.position = self._base + at
        tells_itself = lead is not None and (lead.answer is not None or lead.records)
        return None if tells_itself else lead

    def _above(self, start: int) -> int:
        """The line above, where one is left; a CRLF may stand between (RFC 3261 §7.5)."""
        if not self.form.looks_back:
            return start
        data, at = self._data, start
        while at > self._floor:
            at = data.rfind(b"\n", 0, at - 1) + 1
            if not data[at:start].isspace():
                break
        return max(at, self._floor)

    def _line_before(self, start: int) -> int:
        return self._data.rfind(b"\n", 0, max(start - 1, 0)) + 1

    def _message(self, records: list[Record], is_last: bool) -> bool:
        lead = self._open
        found = cut(self._data, self._at, lead.size, self.form, is_last=is_last)
        if found is None:
            return False
        raw, self._at = found
        self._floor = self._at
        self._open = None
        self._note(lead.at)
        message = read_message(raw)
        lead = self.form.message_read(lead, message)
        # A start line that only the log's next line follows is quoted in its prose.
        is_quoted = self._is_inline and raw.count(b"\n") == 1
        record = None if is_quoted else record_of(lead, raw, message)
        is_long = len(raw) >= LONGEST_MESSAGE
        # The rest of a line that was cut is none.
        self._skipping = is_long and not raw.endswith(b"\n")
        is_cut = (is_long or self.form.has_ends) and not is_whole(raw)
        if is_cut and isinstance(record, Request):
            record = half(record)
        if record is not None:
            records.append(record)
        return True

    def _note(self, at: datetime | None) -> None:
        if at is not None and (self._newest is None or at > self._newest):
            self._newest = at

    def _last_moment(self) -> datetime | None:
        """The newest time of the last whole lines read, skipped ones included."""
        end, moments = self._at, []
        for _ in range(LINES_BACK):
            start = self._line_before(end)
            if start >= end or start < self._floor:
                break
            moments.append(self.form.moment(self._data[start:end]))
            end = start
        return max((at for at in moments if at is not None), default=None)


def record_of(lead: Lead, raw: bytes, message: Message) -> Record | None:
    """The REGISTER or the answer to one that a message is, or what it says of a call."""
    if is_register(raw):
        if not lead.received:
            return None
        return Request(lead.position, lead.at, lead.source, raw, lead.key, message)
    status = STATUS.match(raw)
    answer = answer_of(lead, int(status[1]), message) if status else None
    return answer or call_record(lead.position, lead.at, lead.source, raw, message)


def answer_of(lead: Lead, status: int, message: Message) -> Answer | None:
    """An answer to a REGISTER; None for one to any other request."""
    cseq = CSEQ.match(message.first.get("cseq", b"").strip())
    if cseq is None:
        return None
    return Answer(
        position=lead.position,
        at=lead.at,
        status=status,
        call_id=message.call_id,
        cseq=int(cseq[1]),
    )
