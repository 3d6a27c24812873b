"""Which names a log goes by once it was rotated: `proxy.log.1`, `proxy.log.2.gz`,
`proxy.log-20261124`, `proxy-20261124.log`. No Django here; nothing is opened.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

PACKED = ".gz"
#: logrotate's numbers (the higher the older) and dates, also `TimedRotatingFileHandler`'s.
NUMBER = r"\.(?P<number>\d{1,4})"
DATE = r"[.-](?P<date>\d{4}-?\d{2}-?\d{2}(?:[-_T.:]?\d+)*)"
BEHIND = re.compile(rf"(?P<base>.+?)(?:{NUMBER}|{DATE})(?:\.gz)?")
#: logrotate's `extension`.
WITHIN = re.compile(rf"(?P<stem>.+?)(?:{NUMBER}|{DATE})(?P<suffix>\.[a-z]+)(?:\.gz)?")


def base_of(path: str) -> str | None:
    """The log that a file of this name would be a rotation of; None for no rotation."""
    folder, name = Path(path).parent, Path(path).name
    found = BEHIND.fullmatch(name)
    if found is not None:
        return str(folder / found["base"])
    found = WITHIN.fullmatch(name)
    return str(folder / (found["stem"] + found["suffix"])) if found else None


def stem_of(path: str) -> str:
    """What the names of a log and of all its rotations begin with."""
    return str(Path(path).parent / Path(path).name.partition(".")[0])


def rotations_of(path: str) -> list[str]:
    """The rotated files there are of a log, the oldest first.

    Of a file that is just being packed the unpacked one.
    """
    folder = Path(path).parent
    names = [str(file) for file in folder.iterdir()] if folder.is_dir() else []
    return in_order(name for name in names if base_of(name) == path)


def standing(path: str) -> dict[str, int]:
    """Name → inode of a log and its rotations: the same as long as nothing is rotated."""
    found = {}
    for name in (path, *rotations_of(path)):
        with suppress(FileNotFoundError):
            found[name] = os.stat(name).st_ino
    return found


def in_order(rotated: Iterable[str]) -> list[str]:
    """Rotated files of one log, the oldest first; a packed one gives way to its original."""
    names = set(rotated)
    whole = {name for name in names if name.removesuffix(PACKED) not in names - {name}}
    return sorted(whole, key=_age)


def _age(path: str) -> tuple[int, str, int]:
    name = Path(path).name
    found = BEHIND.fullmatch(name) or WITHIN.fullmatch(name)
    if found is None or found["date"]:
        return 0, found["date"] if found else "", 0
    return 1, "", -int(found["number"])
