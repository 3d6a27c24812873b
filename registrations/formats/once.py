"""A REGISTER that a log prints twice, in one line and whole, counts once: the whole one.

Whatever the order of the two and however the lines of several processes mix. Where a log has
only the lines, they count, and at once: until a message has followed a line none is waited for.
"""

from __future__ import annotations

import re
from collections import deque

from registrations.formats.record import Brief, Pulse, Record, Request, Unreadable
from registrations.formats.xlog import LineError, Template

CALL_ID = re.compile(rb"(?i)\n(?:call-id|i)[ \t]*:[ \t]*([^\r\n]*)")
CSEQ = re.compile(rb"(?i)\ncseq[ \t]*:[ \t]*(\d{1,40})")
#: Messages whose line may still come, and lines whose message may.
NEAR = 16


class Once:
    """Stands before a reader whose records may be `Brief`s; hands out none of them."""

    def __init__(self, reader, template: Template) -> None:
        self._reader, self._template = reader, template
        #: A line that waits for its message, once messages have been seen to follow lines.
        self._held: Brief | None = None
        self._pulse: Pulse | None = None
        self._is_alone = True
        self._messages: deque[Request] = deque(maxlen=NEAR)
        self._lines: deque[Brief] = deque(maxlen=NEAR)

    @property
    def form(self):
        return self._reader.form

    @property
    def resume_position(self) -> int:
        """From here reading must start again so that nothing is lost."""
        position = self._reader.resume_position
        return position if self._held is None else min(position, self._held.position)

    def feed(self, data: bytes) -> list[Record]:
        """Records that these bytes complete."""
        return self._passed(self._reader.feed(data))

    def end(self) -> list[Record]:
        """Records left when nothing more will come."""
        return self._passed(self._reader.end()) + self._released()

    def _passed(self, records: list[Record]) -> list[Record]:
        out: list[Record] = []
        for record in records:
            if isinstance(record, Request):
                out += self._message(record)
            elif isinstance(record, Brief):
                out += self._line(record)
            elif isinstance(record, Pulse) and self._held is not None:
                # The watermark must not pass a REGISTER that is still held.
                self._pulse = record
            else:
                out += [*self._released(), record]
        return out

    def _line(self, line: Brief) -> list[Record]:
        for message in self._messages:
            if self._is_same(line, message):
                self._messages.remove(message)
                self._is_alone = False
                return []
        out = self._released()
        if self._is_alone:
            return [*out, self._told(line)]
        self._held = line
        return out

    def _message(self, message: Request) -> list[Record]:
        if self._held is not None and self._is_same(self._held, message):
            self._held = None
            return [message, *self._pulses()]
        out = self._released()
        for line in self._lines:
            if self._is_same(line, message):
                self._lines.remove(line)
                self._is_alone = False
                return out
        self._messages.append(message)
        return [*out, message]

    def _released(self) -> list[Record]:
        """The line that was held: no message followed it."""
        if self._held is None:
            return []
        line, self._held, self._is_alone = self._held, None, True
        return [self._told(line), *self._pulses()]

    def _told(self, line: Brief) -> Request | Unreadable:
        told = self._template.request(line)
        if isinstance(told, Request):
            self._lines.append(line)
        return told

    def _pulses(self) -> list[Record]:
        pulse, self._pulse = self._pulse, None
        return [pulse] if pulse is not None else []

    def _is_same(self, line: Brief, message: Request) -> bool:
        call_id, cseq = CALL_ID.search(message.raw), CSEQ.search(message.raw)
        if call_id is None or cseq is None or call_id[1].strip() not in line.raw:
            return False
        try:
            fields = self._template.read(line.raw)
        except LineError:
            return True
        return (fields["call_id"], int(fields["cseq"])) == (
            call_id[1].strip(),
            int(cseq[1]),
        )
