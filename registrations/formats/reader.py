"""Cuts records out of bytes as they come, in any pieces, with bounded memory.

Most of a log is noise: the reader jumps from marker to marker, and a format says what the
line there is (`Lead`). Fed one byte at a time it gives the same records as fed whole.
"""

from __future__ import annotations

import re
from datetime import datetime

from registrations.formats.cutting import LONGEST_MESSAGE, cut
from registrations.formats.form import Format, Lead
from registrations.formats.marks import marks_in
from registrations.formats.messages import record_of
from registrations.formats.record import Brief, Pulse, Record, Request
from registrations.formats.refused import endless, half
from registrations.formats.sent import may_be_sent
from registrations.formats.stamps import newest_in
from registrations.formats.torn import lost_its_end
from registrations.formats.turning import KindOf, Turning, first_above, line_above
from registrations.formats.xlog import folded_end

#: A start line behind a log prefix in one line.
INLINE_START = re.compile(
    rb"[ \t]((?:[^\s:]+ +[^\s:]+:\S+ +SIP/2\.0|SIP/2\.0 \d{3}(?: [^\r\n]*)?)[ \t]*\r?\n)",
    re.I,
)
CR = ord("\r")
#: Every start line has this.
MENTION = b"/2.0"
#: An announced message stands this near behind its announcement, or never comes.
FAR = 64 * 1024


class Reader:
    """Feeds bytes to a format and hands out records in order."""

    def __init__(
        self,
        form: Format,
        position: int = 0,
        kind_of: KindOf = lambda line: None,
    ) -> None:
        """`kind_of`: the name of the format that a line shows, if it shows one."""
        self.form = form
        #: Where the log goes on in another format.
        self.turning = Turning(form.name, form.prefix, kind_of, ended=self._behind_last)
        #: Behind the last message, as long as the floor does not say it.
        self._ended = position
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
        kept = first_above(self._data, self._floor, self._at)
        if self._at - kept > FAR:
            kept = self._at
        self._ended = self._behind_last()
        self._data = self._data[kept:] + data
        self._base += kept
        self._at -= kept
        self._floor = max(self._floor - kept, 0)
        self._marks = marks_in(self.form, self._data, self._at)
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
        moment = newest_in(self._data, self._floor, self._at, self.form.moment)
        self._note(moment)
        if self._newest is not None and self._newest != before:
            records.append(Pulse(position=self.resume_position, at=self._newest))
        return records

    def _step(self, records: list[Record], is_last: bool) -> bool:
        """Read on while messages are whole; False when nothing whole is left."""
        data, marks = self._data, self._marks
        find, rfind = data.find, data.rfind
        is_start, folded = self.form.start.match, self.form.folded
        while self._open is None and not self._skipping:
            self._take_usual(records)
            if not marks:
                break
            at, mark = self._at, marks.pop()
            start = self._at = rfind(b"\n", at, mark) + 1 or at
            end = find(b"\n", mark) + 1
            if not end:
                marks.append(mark)
                break
            if is_start(data, start, end) and self._opens(start, end, records):
                if self._open is not None and not self._message(records, is_last):
                    return False
                continue
            if folded and data[end - 2] == CR and find(folded, start, end) >= 0:
                end = folded_end(data, start, end) or (len(data) if is_last else 0)
                if not end:
                    marks.append(mark)
                    return False
            self._line(start, end, records)
        if self._open is not None:
            return self._message(records, is_last)
        return self._rest(records, is_last)

    def _take_usual(self, records: list[Record]) -> None:
        """Read on while all is written as it nearly always is: whole messages, and lines that
        tell of one, each in one step. The next marker, if there is one, is for others.
        """
        data, marks, base = self._data, self._marks, self._base
        at, floor, usual = self._at, self._floor, self.form.usual
        rfind, next_mark, add = data.rfind, marks.pop, records.append
        while marks:
            mark = next_mark()
            if mark < at:
                continue
            start = rfind(b"\n", at, mark) + 1 or at
            taken = usual(data, floor, start, mark, base)
            if taken is None:
                marks.append(mark)
                break
            record, at = taken
            if type(record) is not Brief:
                floor, self.turning.is_told = at, False
            if record is not None:
                add(record)
                if record.at is not None:
                    self._note(record.at)
        if at > self._at:
            self._lead = None
        self._at, self._floor = at, floor

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
            self._last_line(records)
            return self._open is not None
        if left > LONGEST_MESSAGE:
            # Not a log line any more: forget it, go on at the next newline.
            records.append(endless(self._base + self._at, self._data[self._at :]))
            self._skipping = True
            self._at = self._floor = len(self._data)
        return False

    def _last_line(self, records: list[Record]) -> None:
        data, start, end = self._data, self._at, len(self._data)
        if not (
            self.form.start.match(data, start, end) and self._opens(start, end, records)
        ):
            self._line(start, end, records)

    def _opens(self, start: int, end: int, records: list[Record]) -> bool:
        """Begin the message whose start line this is. False where every message is announced
        and this one is not: it is text of a body.
        """
        at, line = self._line_above(start)
        lead, self._lead = self._lead, None
        position = self._base + at
        if at == start:
            lead = None
        elif lead is None or lead.position != position:
            lead = self.form.lead(line, position)
        if lead is None or lead.answer is not None or lead.records:
            if self._turn(self.turning.under(self._data, at, start), end, records):
                self._at = end
                return True
            if self.form.announces:
                return False
            # Words of no log we know may still say that it was sent.
            received = lead is not None or not may_be_sent(line.lower())
            lead, position = Lead(received=received), self._base + start
        elif lead.size is not None:
            self._at = at + len(line)
        lead.position = position
        self._open = lead
        self._is_inline = self.turning.is_told = False
        return True

    def _line(self, start: int, end: int, records: list[Record]) -> None:
        position, line = self._base + start, self._data[start:end]
        lead = self._lead = self.form.lead(line, position)
        self._at = end
        if lead is None:
            if line.find(MENTION) >= 0:
                turn = self.turning.around(self._data, self._floor, start, end)
                self._turn(turn, end, records)
            return
        lead.position = position
        if lead.at is not None and lead.at is not self._newest:
            self._note(lead.at)
        if lead.records:
            records += lead.records
            return
        if lead.answer is not None:
            records.append(lead.answer)
        if lead.size is None and line.find(MENTION) >= 0:
            self._open_inline(lead, start, line)

    def _open_inline(self, lead: Lead, start: int, line: bytes) -> None:
        """Begin the message whose start line stands behind the log's own words, if one does."""
        found = INLINE_START.search(line)
        if found is not None:
            self._at = start + found.start(1)
            self._open, self._lead = lead, None
            self._is_inline, self.turning.is_told = True, False

    def _turn(self, turn: tuple[int, str] | None, end: int, records: list[Record]):
        """True where the log turned in the line at `turn[0]`; the first time it is told."""
        if turn is None:
            return False
        at, other = turn
        self._note(newest_in(self._data, self._floor, at, self.form.moment))
        raw = self._data[at:end]
        records += self.turning.told(self._base + at, other, self._newest, raw)
        if self.turning.note(self._base + at, other):
            self._marks.clear()
        return True

    def _behind_last(self) -> int:
        return self._base + self._floor if self._floor else self._ended

    def _above(self, start: int) -> int:
        return self._line_above(start)[0]

    def _line_above(self, start: int) -> tuple[int, bytes]:
        looks_back = start > self._floor and self.form.looks_back
        return (
            line_above(self._data, self._floor, start) if looks_back else (start, b"")
        )

    def _message(self, records: list[Record], is_last: bool) -> bool:
        lead, form = self._open, self.form
        found = cut(self._data, self._at, lead.size, form, is_last=is_last)
        if found is None:
            return False
        raw, message, end, is_whole = found
        self._at = self._floor = end
        self._open = None
        if lead.at is not None and lead.at is not self._newest:
            self._note(lead.at)
        lead = form.message_read(lead, message)
        # A start line that only the log's next line follows is quoted in its prose.
        if self._is_inline and raw.count(b"\n") == 1:
            record = None
        else:
            record = record_of(lead, raw, message)
        if not is_whole and form.may_lose_ends and lead.size is None:
            is_whole = len(raw) < LONGEST_MESSAGE and lost_its_end(raw)
        if not is_whole or len(raw) >= LONGEST_MESSAGE:
            record = self._whole_or_half(record, raw, is_whole=is_whole)
        if record is not None:
            records.append(record)
        return True

    def _whole_or_half(
        self, record: Record | None, raw: bytes, *, is_whole: bool
    ) -> Record | None:
        """The record of a message that may be cut."""
        is_long = len(raw) >= LONGEST_MESSAGE
        if is_long:
            # The rest of a line that was cut is none.
            self._skipping = not raw.endswith(b"\n")
        is_cut = not is_whole and (is_long or self.form.has_ends)
        return half(record) if is_cut and isinstance(record, Request) else record

    def _note(self, at: datetime | None) -> None:
        if at is not None and (self._newest is None or at > self._newest):
            self._newest = at
