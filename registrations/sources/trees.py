"""Which files a path on the command line means: itself, or those of the tree below it."""

from __future__ import annotations

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
