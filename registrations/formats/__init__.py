"""How logs wrap SIP messages. `open_format` gives a reader, by name or by looking."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import tzinfo

from registrations.formats.capturefile import CaptureFile, CaptureForm
from registrations.formats.captures import CAPTURES, capture_of, may_be_capture
from registrations.formats.cutting import LONGEST_MESSAGE
from registrations.formats.flexisip import PREFIX as FLEXISIP_PREFIX
from registrations.formats.flexisip import Flexisip
from registrations.formats.form import Format
from registrations.formats.kamailio import PREFIX as KAMAILIO_PREFIX
from registrations.formats.kamailio import Kamailio
from registrations.formats.plain import Plain
from registrations.formats.reader import Reader
from registrations.formats.record import Record

NAMES = ("flexisip", "kamailio", "plain", *CAPTURES)
SIP_LINE = re.compile(rb"(?:[^\s:]+ +\S.* SIP/\d\.\d|SIP/2\.0 \d{3}.*)\s*$")
#: A line of one of these shapes decides which format a log has.
SHAPES: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (FLEXISIP_PREFIX, "flexisip"),
    (KAMAILIO_PREFIX, "kamailio"),
    (SIP_LINE, "plain"),
)


class UnknownFormat(ValueError):
    """A format name we do not have; the text lists those we have."""


def format_named(name: str, tz: tzinfo | None = None) -> Format:
    """The format of this name. `tz` is for logs that print local time (default: ours)."""
    makers: dict[str, Callable[[], Format]] = {
        "flexisip": lambda: Flexisip(tz),
        "kamailio": Kamailio,
        "plain": Plain,
    }
    if name not in makers:
        raise UnknownFormat(f"no format {name!r}; there are {', '.join(NAMES)}")
    return makers[name]()


def detect(head: bytes) -> str | None:
    """The format of a log by its first bytes; None while no line decides."""
    for line in head.splitlines(keepends=True):
        for shape, name in SHAPES:
            if shape.match(line):
                return name
    return None


class Detecting:
    """A reader that first looks which format it has; then it is that format's reader."""

    def __init__(self, tz: tzinfo | None = None, position: int = 0) -> None:
        self._tz = tz
        self._position = position
        self._head = b""
        self._reader: Reader | CaptureFile | None = None

    @property
    def form(self) -> Format | CaptureForm | None:
        """The format found, or None so far."""
        return self._reader.form if self._reader else None

    @property
    def resume_position(self) -> int:
        return self._reader.resume_position if self._reader else self._position

    def feed(self, data: bytes) -> list[Record]:
        if self._reader is not None:
            return self._reader.feed(data)
        self._head += data
        if may_be_capture(self._head):
            return []
        capture = capture_of(self._head)
        if capture is not None:
            return self._decide(capture)
        whole_lines = self._head[: self._head.rfind(b"\n") + 1]
        name = detect(whole_lines)
        if name is None and len(self._head) <= LONGEST_MESSAGE:
            return []
        return self._decide(name or "plain")

    def end(self) -> list[Record]:
        if self._reader is not None:
            return self._reader.end()
        name = capture_of(self._head) or detect(self._head + b"\n") or "plain"
        records = self._decide(name)
        return records + self._reader.end()

    def _decide(self, name: str) -> list[Record]:
        self._reader = _reader(name, self._tz, self._position, b"")
        head, self._head = self._head, b""
        return self._reader.feed(head)


def open_format(
    name: str | None, tz: tzinfo | None = None, position: int = 0, head: bytes = b""
) -> Reader | CaptureFile | Detecting:
    """A reader for the named format, or one that detects it. Raises UnknownFormat.

    `head`: the file's first bytes, where `position` lies behind them: a capture says there
    how to read the rest.
    """
    if name is None:
        return Detecting(tz, position)
    return _reader(name, tz, position, head)


def _reader(
    name: str, tz: tzinfo | None, position: int, head: bytes
) -> Reader | CaptureFile:
    if name in CAPTURES:
        return CAPTURES[name](position, head)
    return Reader(format_named(name, tz), position)
