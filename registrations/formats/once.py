"""A REGISTER that a log prints twice, in one line and whole, counts once: the whole one.

Whatever the order of the two and however the lines of several processes mix. Where a log has
only the lines, they count, and at once: until a message has followed a line none is waited for.
"""

from __future__ import annotations

import re
from functools import lru_cache

from registrations.formats.record import Brief, Pulse, Record, Request, Unreadable
from registrations.formats.turning import Turning
from registrations.formats.xlog import Template
from registrations.sip import cleaned, read_message

CSEQ = re.compile(rb"\s*(\d{1,40})")
#: Messages whose line may still come, and lines whose message may.
NEAR = 16

#: Call-ID and CSeq: the same in both prints of one request.
Key = tuple[bytes, int]


class Once:
    """Stands before a reader whose records may be `Brief`s; hands out none of them."""

    def __init__(self, reader, template: Template) -> None:
        self._reader, self._template = reader, template
        #: A line that waits for its message, once messages have been seen to follow lines.
        self._held: Brief | None = None
        self._pulse: Pulse | None = None
        self._is_alone = True
        self._messages: dict[Key, int] = {}
        self._lines: dict[Key, int] = {}
        #: Lines in a row that their message followed at once.
        self._pairs = 0

    @property
    def form(self):
        return self._reader.form

    @property
    def turning(self) -> Turning:
        return self._reader.turning

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
            kind = type(record)
            if kind is Request:
                self._message(record, out)
            elif kind is Brief:
                self._line(record, out)
            elif kind is Pulse and self._held is not None:
                # The watermark must not pass a REGISTER that is still held.
                self._pulse = record
            else:
                out += self._released()
                out.append(record)
        return out

    def _line(self, line: Brief, out: list[Record]) -> None:
        if self._messages and _take(self._messages, self._template.key(line.raw)):
            self._is_alone = False
            return
        if self._held is not None:
            out += self._released()
        if self._is_alone:
            out.append(self._told(line))
        else:
            self._held = line

    def _message(self, message: Request, out: list[Record]) -> None:
        key = _key(message)
        if self._held is not None:
            if key is not None and self._template.is_of(self._held.raw, key):
                self._held = None
                out.append(message)
                self._pairs += 1
                if self._pairs == NEAR:
                    self._messages.clear()
                if self._pulse is not None:
                    out += self._pulses()
                return
            out += self._released()
        if _take(self._lines, key):
            self._is_alone = False
            return
        _keep(self._messages, key)
        self._pairs = 0
        out.append(message)

    def _released(self) -> list[Record]:
        """The line that was held: no message followed it."""
        if self._held is None:
            return []
        line, self._held, self._is_alone = self._held, None, True
        return [self._told(line), *self._pulses()]

    def _told(self, line: Brief) -> Request | Unreadable:
        told = self._template.request(line)
        if isinstance(told, Request):
            _keep(self._lines, self._template.key(line.raw))
        return told

    def _pulses(self) -> list[Record]:
        pulse, self._pulse = self._pulse, None
        return [pulse] if pulse is not None else []


def _key(request: Request) -> Key | None:
    """Of a whole message; None where it has none."""
    message = request.message or read_message(request.raw)
    call_id, cseq = message.call_id, message.cseq
    number = None if cseq is None else _number(cseq)
    if call_id is None or number is None:
        return None
    return cleaned(call_id), number


@lru_cache(1024)
def _number(cseq: bytes) -> int | None:
    found = CSEQ.match(cseq)
    return int(found[1]) if found else None


def _keep(known: dict[Key, int], key: Key | None) -> None:
    """Remember one more print; copies of a request are printed as often."""
    if key is None:
        return
    known[key] = known.pop(key, 0) + 1
    if len(known) > NEAR:
        del known[next(iter(known))]


def _take(known: dict[Key, int], key: Key | None) -> bool:
    """Use up a print with this key; False where none is remembered."""
    left = known.pop(key, 0)
    if left > 1:
        known[key] = left - 1
    return left > 0
