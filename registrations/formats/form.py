"""What a log shape has to say of its lines; one subclass a format."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from registrations.formats.record import Answer, Record
from registrations.sip import WHOLE, Head, Message

START_LINE = rb"((?:[^\s:]+ +\S.* SIP/2\.0|SIP/2\.0 \d{3}(?: [^\r\n]*)?)[ \t]*\r?\n)"


@dataclass(slots=True)
class Lead:
    """What a format read in one log line that is no part of a message.

    `size`: bytes of the message behind the line, where it says so. `received`: False for a
    message that was sent. `answer`: the line itself tells of an answer. `records`: what
    it tells all by itself.
    """

    position: int = 0
    at: datetime | None = None
    source: str | None = None
    key: str | None = None
    received: bool = True
    size: int | None = None
    answer: Answer | None = None
    records: tuple[Record, ...] = ()


def start_line(condition: bytes) -> re.Pattern[bytes]:
    """Matches a start line before which `condition` holds."""
    return re.compile(condition + b"(?i:" + START_LINE + b")")


class Format:
    """One log shape. A subclass reads lines; it keeps what one line tells of the next."""

    name = ""
    #: What stands in lines that tell something by themselves. Other lines are read only when
    #: a message follows; most of a log is skipped unread.
    markers: tuple[bytes, ...] = ()
    #: Matches at the start of a line that can only be a new record, never a line of a message.
    prefix: re.Pattern[bytes] | None = None
    #: A line with this text in it may go on behind a CR LF: a folded header was printed as it
    #: was sent. A log's own lines end with LF alone.
    folded: bytes | None = None
    #: True: the log always shows the registrar's answer. False: it may, or may not.
    always_answers = False
    #: A body of Content-Length bytes follows the headers in the log.
    has_bodies = True
    #: The empty line behind the headers is in the log, so one without it was cut off.
    has_ends = True
    #: The program may print to its output, of which the journal leaves out empty lines.
    may_lose_ends = False
    #: Every message follows a log line of its own.
    announces = False
    #: The line above may say whose message this one begins.
    looks_back = True

    def markers_in(self, data: bytes, start: int) -> tuple[bytes, ...]:
        """The markers to look for in the bytes from `start` on: a format may look for
        some only where others stand.
        """
        return self.markers

    @property
    def anchor(self) -> int | None:
        """The line a message to come depends on: a restart must read it again."""
        return None

    @cached_property
    def start(self) -> re.Pattern[bytes]:
        """Matches a start line that is no line of the log."""
        return start_line(rb"(?!%b)" % self.prefix.pattern if self.prefix else b"")

    @cached_property
    def head(self) -> Head:
        """Matches a message up to the end of its headers, or to a line of the log."""
        return Head(self.prefix.pattern) if self.prefix else WHOLE

    def lead(self, line: bytes, position: int) -> Lead | None:
        """Read a line outside a message; None when it is not one of this format's."""
        return None

    def usual(
        self, data: bytes, floor: int, start: int, mark: int, base: int
    ) -> tuple[Record | None, int] | None:
        """What stands at a marker, where it is written as nearly all are and so can be read in
        one step: the record that all the steps would give, if any, and where it ends.

        `start`: of the marker's line; `floor`: nothing before it may be looked at; `base`: the
        position of the first byte of `data`.
        """
        return None

    def moment(self, line: bytes) -> datetime | None:
        """The time a line of this format's begins with; None where it prints none."""
        return None

    def message_read(self, lead: Lead, message: Message) -> Lead:
        """The message behind `lead` has been read: what is known of it now."""
        return lead
