"""How logs and captures wrap SIP. `open_format` gives a reader, by name or by looking."""

from __future__ import annotations

from registrations.formats.detecting import (
    NAMES,
    AnyReader,
    Detecting,
    detect,
    made,
)
from registrations.formats.kinds import BY_NAME
from registrations.formats.onward import Onward
from registrations.formats.stamps import Stamps
from registrations.formats.xlog import Template

__all__ = ["NAMES", "Detecting", "UnknownFormat", "detect", "open_format"]


class UnknownFormat(ValueError):
    """A format name we do not have; the text lists those we have."""


def open_format(
    name: str | None,
    stamps: Stamps | None = None,
    position: int = 0,
    head: bytes = b"",
    template: Template | None = None,
    found: str | None = None,
) -> AnyReader | Detecting:
    """A reader for the named format, or one that detects it. Raises UnknownFormat.

    `stamps` fill in what time stamps leave out. `head`: the file's first bytes, where
    `position` lies behind them: a capture says there how to read the rest. `template`: how
    the operator's xlog prints a REGISTER in one line. `found`: the format that was detected
    before `position`, where none is named; the log may go on in another.
    """
    stamps, template = stamps or Stamps(), template or Template()
    if name is not None and name not in NAMES:
        raise UnknownFormat(f"no format {name!r}; there are {', '.join(NAMES)}")
    if name is None and found in BY_NAME:
        return Onward(found, stamps, template, position)
    name = name or found or None
    if name is None or (position == 0 and name in BY_NAME):
        return Detecting(stamps, template, position, name)
    return made(name, stamps, template, position, head)
