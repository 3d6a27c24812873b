"""Which files a path on the command line means: itself, or those of the tree below it."""

from __future__ import annotations

import glob
from pathlib import Path

#: Where Flexisip's event log keeps registrations, beside calls, messages and errors.
REGISTERS = "registers"


def files_of(path: str) -> list[str]:
    """The file itself; of a directory the files in it and below, oldest first.

    Of a tree of Flexisip's event logs only the registrations, day by day. Raises OSError for
    a directory without any file.
    """
    if not Path(path).is_dir():
        return [path]
    files = [file for file in Path(path).rglob("*") if file.is_file()]
    events = [file for file in files if file.parent.name == REGISTERS]
    if not files:
        raise FileNotFoundError(f"no file in {path}")
    if events:
        ordered = sorted(events, key=lambda file: (file.name, str(file)))
    else:
        ordered = sorted(files, key=lambda file: (file.stat().st_mtime, str(file)))
    return [str(file) for file in ordered]


def pattern_of(path: str) -> str:
    """The pattern of the files that `files_of` finds now, and of those to come."""
    is_event_log = next(Path(path).glob(f"**/{REGISTERS}/*"), None) is not None
    below = f"**/{REGISTERS}/*" if is_event_log else "**"
    return str(Path(glob.escape(path)) / below)
