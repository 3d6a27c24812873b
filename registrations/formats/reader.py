"""Cuts records out of bytes as they come, in any pieces, with bounded memory.

A format says what a line is (`Lead`); the reader finds where the SIP message behind it ends.
Fed one byte at a time it gives the same records as fed whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from registrations.formats.record import Answer, Pulse, Record, Request
from registrations.sip import is_register

#: The longest message and the longest line we keep (RFC 3261 §18.1.1 allows 65,535 on UDP).
LONGEST_MESSAGE = 128 * 1024
START_LINE = re.compile(
    rb"((?:[^\s:]+ +\S.* SIP/2\.0|SIP/2\.0 \d{3}(?: [^\r\n]*)?)[ \t]*\r?\n)", re.I
)
#: The same behind a log prefix in one line.
INLINE_START = re.compile(
    rb"[ \t]((?:[^\s:]+ +[^\s:]+:\S+ +SIP/2\.0|SIP/2\.0 \d{3}(?: [^\r\n]*)?)[ \t]*\r?\n)",
    re.I,
)
HEADERS_END = re.compile(rb"\n\r?\n")
CONTENT_LENGTH = re.compile(rb"(?im)^(?:content-length|l)[ \t]*:[ \t]*(\d{1,9})")
STATUS = re.compile(rb"SIP/2\.0 (\d{3})")
CALL_ID = re.compile(rb"(?im)^(?:call-id|i)[ \t]*:[ \t]*(\S+)")
CSEQ = re.compile(rb"(?im)^cseq[ \t]*:[ \t]*(\d{1,19})[ \t]+REGISTER\b")


@dataclass(slots=True)
class Lead:
    """What a format read in one log line that is no part of a message.

    `start`: where a message begins inside the line itself, None when it may follow.
    `size`: bytes of the message, where the log says so. `received`: False for a message
    that was sent. `answer`: the line itself tells of an answer.
    """

    position: int = 0
    at: datetime | None = None
    source: str | None = None
    key: str | None = None
    received: bool = True
    size: int | None = None
    answer: Answer | None = None


class Format:
    """One log shape. A subclass reads lines; it keeps what one line tells of the next."""

    name = ""
    #: True: the log always shows the registrar's answer. False: it may, or may not.
    always_answers = False
    #: A body of Content-Length bytes follows the headers in the log.
    has_bodies = True
    #: Every message follows a log line of its own.
    announces = False
    #: The line a message to come depends on: a restart must read it again.
    anchor: int | None = None

    def lead(self, line: bytes, position: int) -> Lead | None:
        """Read a line outside a message; None when it is not one of this format's."""
        return None

    def message_read(self) -> None:
        """The message that the newest lines announced has been read."""

    def is_prefixed(self, line: bytes) -> bool:
        """True when a line can only be a new record, never a line of a message."""
        return False


class Reader:
    """Feeds bytes to a format and hands out records in order."""

    def __init__(self, form: Format, position: int = 0) -> None:
        self.form = form
        self._data = b""
        self._base = position
        self._at = 0  # index into _data of the first byte not yet read
        self._lead: Lead | None = None
        self._newest: datetime | None = None
        self._skipping = False
        #: Inside a message: its lead, and where its first byte stands.
        self._open: Lead | None = None

    @property
    def resume_position(self) -> int:
        """From here reading must start again so that nothing is lost."""
        if self.form.anchor is not None:
            return self.form.anchor
        if self._open is not None:
            return self._open.position
        if self._lead is not None:
            return self._lead.position
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
        if self._open is not None:
            return self._message(records, is_last)
        end = self._data.find(b"\n", self._at) + 1
        if end == 0:
            return self._unfinished_line(records, is_last)
        line = self._data[self._at : end]
        if self._skipping:
            self._skipping = False
            self._at = end
        else:
            self._line(line, end, records)
        return True

    def _unfinished_line(self, records: list[Record], is_last: bool) -> bool:
        left = len(self._data) - self._at
        if is_last and left and not self._skipping:
            line = self._data[self._at :] + b"\n"
            self._data += b"\n"
            self._line(line, len(self._data), records)
            return self._open is not None
        if left > LONGEST_MESSAGE:
            # Not a log line any more: forget it, go on at the next newline.
            self._skipping = True
            self._at = len(self._data)
        return False

    def _line(self, line: bytes, end: int, records: list[Record]) -> None:
        position = self._base + self._at
        lead = self.form.lead(line, position)
        if lead is not None:
            lead.position = position
            self._note(lead, records)
        start = self._start(line, lead)
        if start is None and lead is None and not line.strip():
            self._at = end  # a CRLF before the start line (RFC 3261 §7.5)
            return
        if start is not None:
            self._open = lead or self._lead or Lead(position=position)
            self._lead = None
            self._at += start.start(1)
        elif lead is not None and lead.size is not None:
            self._open, self._lead = lead, None
            self._at = end
        else:
            self._lead = None if lead is None or lead.answer else lead
            self._at = end

    def _start(self, line: bytes, lead: Lead | None) -> re.Match[bytes] | None:
        if not self._may_start(line, lead):
            return None
        return INLINE_START.search(line) if lead else START_LINE.match(line)

    def _may_start(self, line: bytes, lead: Lead | None) -> bool:
        if b"SIP/2.0" not in line or (lead is not None and lead.size is not None):
            return False
        # Where each message is announced, a start line elsewhere is text of a body.
        return not self.form.announces or bool(lead or self._lead)

    def _note(self, lead: Lead, records: list[Record]) -> None:
        if lead.at is not None and (self._newest is None or lead.at > self._newest):
            self._newest = lead.at
        if lead.answer is not None:
            records.append(lead.answer)

    def _message(self, records: list[Record], is_last: bool) -> bool:
        cut = self._cut(is_last)
        if cut is None:
            return False
        lead, raw, self._at = self._open, *cut
        self._open = None
        self.form.message_read()
        record = _record_of(lead, raw)
        if record is not None:
            records.append(record)
        return True

    def _cut(self, is_last: bool) -> tuple[bytes, int] | None:
        """The open message and the index behind it; None while it is not whole."""
        data, start, lead = self._data, self._at, self._open
        limit = start + (lead.size if lead.size is not None else LONGEST_MESSAGE)
        prefix = self._next_prefix(start, min(limit, len(data)))
        if lead.size is not None:
            return self._sized(limit, prefix, is_last)
        if prefix is not None:
            return data[start:prefix], prefix
        head = HEADERS_END.search(data, start, limit)
        if head is not None:
            return self._with_body(start, head.end(), is_last)
        if is_last or len(data) > limit:
            end = min(len(data), limit)
            return data[start:end], end
        return None

    def _sized(self, limit: int, prefix: int | None, is_last: bool):
        """The size counts where a message ends there; else the next log line does.

        So a phone cannot forge a log line in a folded header of its own.
        """
        if prefix == self._at:
            return b"", prefix  # the line was not followed by a message
        if len(self._data) < limit and not is_last:
            return None
        end = min(limit, len(self._data))
        if prefix is not None and not self._is_whole(self._at, prefix, end):
            end = prefix
        return self._data[self._at : end], end

    def _is_whole(self, start: int, prefix: int, end: int) -> bool:
        head = HEADERS_END.search(self._data, start, end)
        if head is None:
            return False
        found = CONTENT_LENGTH.search(self._data, start, head.end())
        length = int(found[1]) if found else 0
        return head.end() <= prefix or head.end() + length == end

    def _with_body(self, start: int, end: int, is_last: bool):
        if not self.form.has_bodies:
            return self._data[start:end], end
        found = CONTENT_LENGTH.search(self._data, start, end)
        length = int(found[1]) if found else 0
        if end + length > start + LONGEST_MESSAGE:
            length = 0
        if len(self._data) < end + length and not is_last:
            return None
        return self._data[start:end], min(end + length, len(self._data))

    def _next_prefix(self, start: int, end: int) -> int | None:
        """Where a new log record interrupts the open message, if it does."""
        if self._open.size is not None and self.form.is_prefixed(
            self._data[start : self._data.find(b"\n", start, end) + 1]
        ):
            return start
        at = self._data.find(b"\n", start, end) + 1
        while at and at < end:
            line_end = self._data.find(b"\n", at, end)
            if line_end < 0 and end == len(self._data):
                return None  # not a whole line yet
            line = self._data[at : line_end if line_end >= 0 else end]
            if self.form.is_prefixed(line):
                return at
            if line in (b"", b"\r"):
                return None
            at = self._data.find(b"\n", at, end) + 1
        return None


def _record_of(lead: Lead, raw: bytes) -> Record | None:
    if is_register(raw):
        if not lead.received:
            return None
        return Request(
            position=lead.position,
            at=lead.at,
            source=lead.source,
            raw=raw,
            key=lead.key,
        )
    status, cseq = STATUS.match(raw), CSEQ.search(raw)
    if status is None or cseq is None:
        return None
    call_id = CALL_ID.search(raw)
    return Answer(
        position=lead.position,
        at=lead.at,
        status=int(status[1]),
        call_id=call_id[1].decode("utf-8", "backslashreplace") if call_id else None,
        cseq=int(cseq[1]),
    )
