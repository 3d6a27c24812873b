"""How logs and captures wrap SIP. `open_format` gives a reader, by name or by looking."""

from __future__ import annotations

from registrations.formats.capturefile import CaptureFile, CaptureForm
from registrations.formats.captures import CAPTURES, capture_of, may_be_capture
from registrations.formats.carried import CARRIERS, Carried
from registrations.formats.cutting import LONGEST_MESSAGE
from registrations.formats.form import Format
from registrations.formats.kinds import KINDS, kind_of
from registrations.formats.maybe_lined import MaybeLined
from registrations.formats.once import Once
from registrations.formats.reader import TIMELESS, Reader
from registrations.formats.record import Record
from registrations.formats.sipdump import Sipdump, SipdumpForm
from registrations.formats.stamps import Stamps
from registrations.formats.wrapped import WrappedForm, WrappedReader
from registrations.formats.xlog import Template

BY_NAME = {kind.name: kind for kind in KINDS}
NAMES = (*BY_NAME, *CAPTURES)

AnyReader = Reader | WrappedReader | Once | Sipdump | Carried | MaybeLined | CaptureFile


#: What may carry another program's log.
CARRYING = {carrier.name: carrier for carrier in CARRIERS}
#: No program prints more before its first line with a prefix.
LONGEST_START = 16 * 1024
#: Windows programs begin a text with it.
MARK = b"\xef\xbb\xbf"


class UnknownFormat(ValueError):
    """A format name we do not have; the text lists those we have."""


def detect(head: bytes, template: Template | None = None) -> str | None:
    """The format of a log by its first bytes; None while no line decides.

    What carries other logs decides only with a line that may matter: what a program prints
    while it starts does not show yet what it is.
    """
    at, carrier = 0, None
    for line in head.splitlines(keepends=True):
        name, at = kind_of(line), at + len(line)
        if carrier is not None and name in (None, *TIMELESS):
            name = carrier  # a record of several lines
        if name in CARRYING and at <= LONGEST_START:
            carrier = carrier or name
            if not _may_matter(name, line, template):
                continue
        if name is not None:
            return name
    return None


def _may_matter(name: str, line: bytes, template: Template | None) -> bool:
    markers = CARRYING[name].markers
    if template is not None:
        markers = (*markers, template.marker)
    return any(line.find(marker) >= 0 for marker in markers)


def first_kind(head: bytes) -> str:
    """The kind of the first line that has one, where none decided."""
    kinds = map(kind_of, head.splitlines(keepends=True))
    return next((kind for kind in kinds if kind is not None), "plain")


class Detecting:
    """A reader that first looks which format it has; then it is that format's reader.

    `name`: the format, where only a byte order mark in front of it is looked for.
    """

    def __init__(
        self,
        stamps: Stamps,
        template: Template,
        position: int = 0,
        name: str | None = None,
    ) -> None:
        self._stamps, self._template = stamps, template
        self._position, self._name = position, name
        self._head = b""
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
        if self._position == 0 and MARK.startswith(self._head[: len(MARK)]):
            if len(self._head) < len(MARK):
                return []
            self._head, self._position = self._head[len(MARK) :], len(MARK)
        if self._name is not None:
            return self._decide(self._name)
        if may_be_capture(self._head):
            return []
        capture = capture_of(self._head)
        if capture is not None:
            return self._decide(capture)
        whole_lines = self._head[: self._head.rfind(b"\n") + 1]
        name = detect(whole_lines, self._template)
        if name is None and len(self._head) <= LONGEST_MESSAGE:
            return []
        return self._decide(name or "plain")

    def end(self) -> list[Record]:
        if self._reader is not None:
            return self._reader.end()
        name = (
            self._name
            or capture_of(self._head)
            or detect(self._head + b"\n", self._template)
            or first_kind(self._head + b"\n")
        )
        records = self._decide(name)
        return records + self._reader.end()

    def _decide(self, name: str) -> list[Record]:
        self._reader = _reader(name, self._stamps, self._template, self._position, b"")
        head, self._head = self._head, b""
        return self._reader.feed(head)


def open_format(
    name: str | None,
    stamps: Stamps | None = None,
    position: int = 0,
    head: bytes = b"",
    template: Template | None = None,
) -> AnyReader | Detecting:
    """A reader for the named format, or one that detects it. Raises UnknownFormat.

    `stamps` fill in what time stamps leave out. `head`: the file's first bytes, where
    `position` lies behind them: a capture says there how to read the rest. `template`: how
    the operator's xlog prints a REGISTER in one line.
    """
    stamps, template = stamps or Stamps(), template or Template()
    if name is not None and name not in NAMES:
        raise UnknownFormat(f"no format {name!r}; there are {', '.join(NAMES)}")
    if name is None or (position == 0 and name in BY_NAME):
        return Detecting(stamps, template, position, name)
    return _reader(name, stamps, template, position, head)


def _reader(
    name: str, stamps: Stamps, template: Template, position: int, head: bytes
) -> AnyReader:
    if name in CAPTURES:
        return CAPTURES[name](position, head)
    return BY_NAME[name].make(stamps, template, position)
