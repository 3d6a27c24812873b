"""Finds out which format a log has, line by line; then it is that format's reader.

Lines of no kind decide nothing, however many there are, and none of them is kept.
"""

from __future__ import annotations

from registrations.formats.capturefile import CaptureFile, CaptureForm
from registrations.formats.captures import CAPTURES, capture_of, may_be_capture
from registrations.formats.carried import CARRIERS
from registrations.formats.cutting import LONGEST_MESSAGE
from registrations.formats.flexisip import Flexisip, is_of_message
from registrations.formats.form import Format
from registrations.formats.kinds import BY_NAME, AnyLogReader, kind_of
from registrations.formats.onward import Onward
from registrations.formats.record import Pulse, Record
from registrations.formats.refused import endless
from registrations.formats.sent import may_be_sent
from registrations.formats.sipdump import SipdumpForm
from registrations.formats.sofia import dumped_size
from registrations.formats.stamps import Stamps, newest_in
from registrations.formats.turning import TIMELESS
from registrations.formats.wrapped import WrappedForm
from registrations.formats.xlog import Template

NAMES = (*BY_NAME, *CAPTURES)
FLEXISIP, SOFIA = "flexisip", "sofia"

AnyReader = AnyLogReader | Onward | CaptureFile

#: What may carry another program's log.
CARRYING = {carrier.name: carrier for carrier in CARRIERS}
#: No program prints more before its first line with a prefix.
LONGEST_START = 16 * 1024
#: No SIP message is smaller; what keeps a connection alive is.
SMALLEST_MESSAGE = 100
#: A line that says which way a message went is no longer.
LONGEST_ABOVE = 4 * 1024
#: Windows programs begin a text with it.
MARK = b"\xef\xbb\xbf"


class Looking:
    """Looks at one line after the other until one decides.

    What carries other logs decides only with a line that may matter: what a program prints
    while it starts does not show yet what it is. Nor does Flexisip's prefix: the only messages
    of its log may be those that sofia-sip dumps into it.
    """

    def __init__(self, template: Template | None = None) -> None:
        self._template = template
        #: What the log is unless a line decides else, and the bytes of its lines.
        self.likely: str | None = None
        self._size = 0
        #: Dumps of sofia-sip that no line of Flexisip stood behind.
        self._dumps = 0

    def at(self, line: bytes) -> str | None:
        """The format that this line decides for, if it does."""
        name = kind_of(line)
        if self.likely is not None and name in (None, *TIMELESS):
            name = self.likely  # a record of several lines
        if name == FLEXISIP:
            return self._of_flexisip(line)
        if name in CARRYING and self._size < LONGEST_START:
            self.likely = self.likely or name
            self._size += len(line)
            return name if self._may_matter(name, line) else None
        return name

    def _of_flexisip(self, line: bytes) -> str | None:
        """Flexisip's own words tell of each message that is dumped, if they are printed."""
        if is_of_message(line):
            return FLEXISIP
        if self._size >= (LONGEST_MESSAGE if self._dumps else LONGEST_START):
            return self.likely
        self._dumps += dumped_size(line) >= SMALLEST_MESSAGE
        self.likely = SOFIA if self._dumps else FLEXISIP
        self._size += len(line)
        return SOFIA if self._dumps > 1 else None

    def _may_matter(self, name: str, line: bytes) -> bool:
        markers = CARRYING[name].markers
        if self._template is not None:
            markers = (*markers, self._template.marker)
        return any(line.find(marker) >= 0 for marker in markers)


def detect(head: bytes, template: Template | None = None) -> str | None:
    """The format of a log by its first lines; None where none decides."""
    looking = Looking(template)
    names = map(looking.at, head.splitlines(keepends=True))
    return next((name for name in names if name is not None), None)


class Detecting:
    """`name`: the format, where only a byte order mark in front of it is looked for."""

    def __init__(
        self,
        stamps: Stamps,
        template: Template,
        position: int = 0,
        name: str | None = None,
    ) -> None:
        self._stamps, self._template = stamps, template
        self._position, self._name = position, name
        #: What is not read yet, from where on it will be, and up to where it was looked at.
        self._head, self._begin, self._seen = b"", 0, 0
        #: The last line that decided nothing, with the empty ones behind it: it may say that
        #: the first message was sent.
        self._above = b""
        self._looking = Looking(template)
        self._moment = Flexisip(stamps).moment
        self._is_begin = position == 0
        #: In a line that is too long, up to its end.
        self._is_lost = False
        self._reader: AnyReader | None = None

    @property
    def form(self) -> Format | WrappedForm | SipdumpForm | CaptureForm | None:
        """The format found, or None so far."""
        return self._reader.form if self._reader else None

    @property
    def resume_position(self) -> int:
        return self._reader.resume_position if self._reader else self._position

    def feed(self, data: bytes) -> list[Record]:
        if self._reader is not None:
            return self._reader.feed(data)
        self._head += data
        if self._is_begin and not self._has_begun():
            return []
        name = self._found()
        return self._decide(name) if name else self._undecided()

    def end(self) -> list[Record]:
        if self._reader is not None:
            return self._reader.end()
        name = self._found()
        last = self._head[self._seen :]
        if name is None and last and not self._is_lost:
            name = self._looking.at(last + b"\n")
        records = self._decide(name or self._looking.likely or "plain")
        return records + self._reader.end()

    def _has_begun(self) -> bool:
        """Enough of the first bytes is there; a byte order mark is passed over."""
        if self._position == 0 and MARK.startswith(self._head[: len(MARK)]):
            if len(self._head) < len(MARK):
                return False
            self._drop(len(MARK))
        return self._name is not None or not may_be_capture(self._head)

    def _found(self) -> str | None:
        capture = capture_of(self._head) if self._is_begin else None
        return self._name or capture or self._look()

    def _look(self) -> str | None:
        while end := self._head.find(b"\n", self._seen) + 1:
            line = self._head[self._seen : end]
            self._is_begin = False
            is_none = self._is_lost or line.isspace()
            name = None if is_none else self._looking.at(line)
            if self._looking.likely is None and name is None:
                self._note_above(line)
                self._begin = end
            self._is_lost = False
            if name is not None:
                return name
            self._seen = end
        return None

    def _note_above(self, line: bytes) -> None:
        above = self._above + line if line.isspace() else line
        is_kept = len(above) <= LONGEST_ABOVE and not self._is_lost
        self._above = above if is_kept else b""

    def _undecided(self) -> list[Record]:
        """Keep what may be read yet: what a carrier holds, or the line under way."""
        is_long = len(self._head) - self._seen > LONGEST_MESSAGE
        if self._looking.likely is not None:
            return self._decide(self._looking.likely) if is_long else self._pulses()
        self._drop(self._begin)
        if not is_long:
            return []
        records = [] if self._is_lost else [endless(self._position, self._head)]
        self._is_lost, self._is_begin, self._above = True, False, b""
        self._drop(len(self._head))
        return records

    def _pulses(self) -> list[Record]:
        """How far a log has come that is Flexisip's at least."""
        if self._looking.likely not in (FLEXISIP, SOFIA):
            return []
        at = newest_in(self._head, self._begin, self._seen, self._moment)
        return [] if at is None else [Pulse(self._position + self._begin, at)]

    def _drop(self, size: int) -> None:
        self._head, self._position = self._head[size:], self._position + size
        self._begin, self._seen = 0, max(self._seen - size, 0)

    def _decide(self, name: str) -> list[Record]:
        self._drop(self._begin)
        is_sent = name == "plain" and may_be_sent(self._above.lower())
        above = self._above if is_sent else b""
        how = self._stamps, self._template, self._position - len(above)
        is_found = self._name is None and name not in CAPTURES
        self._reader = Onward(name, *how) if is_found else made(name, *how, b"")
        head, self._head = above + self._head, b""
        return self._reader.feed(head)


def made(
    name: str, stamps: Stamps, template: Template, position: int, head: bytes
) -> AnyReader:
    """The reader of a format. `head`: the file's first bytes where they are behind."""
    if name in CAPTURES:
        return CAPTURES[name](position, head)
    return BY_NAME[name].make(stamps, template, position)
