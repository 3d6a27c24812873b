"""Which logs the words on a command line mean: files, patterns, directories.

A log is one file as it is written, with the files it was rotated into.
"""

from __future__ import annotations

import glob
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

from registrations.sources.rotations import PACKED, base_of, in_order
from registrations.sources.trees import files_of, pattern_of

STDIN = "-"


@dataclass(frozen=True, slots=True)
class Log:
    """`path`: the file itself, or a directory that stands for the files in it. `before`:
    files to read first, in this order. `is_found`: a pattern found it, so it may vanish.
    `tree`: the directory it was found in.
    """

    path: str
    before: tuple[str, ...] = ()
    is_found: bool = False
    tree: str = ""

    @property
    def name(self) -> str:
        """What its feed is called when nobody says."""
        return Path(self.tree or self.path).name.removesuffix(PACKED)


def logs_of(words: Iterable[str]) -> list[Log]:
    """The logs meant, each once. A rotated file that is named beside its log is read as a
    part of it. A pattern that fits nothing means nothing (yet). Raises OSError for a
    directory without any file.
    """
    words = list(words)
    named = dict.fromkeys(_absolute(word) for word in words if not is_pattern(word))
    found = dict.fromkeys(path for word in words for path in _found(word))
    parts: dict[str, list[str]] = {}
    for path in {**named, **found}:
        base = base_of(path)
        is_part = (
            base in named or base in found or (path in found and _fits(base, words))
        )
        parts.setdefault(base if is_part else path, []).append(path)
    return [
        _log(path, part, is_found=path not in named) for path, part in parts.items()
    ]


def growing_logs_of(words: Iterable[str]) -> list[Log]:
    """The logs meant, to be followed: in a directory each file is one of its own."""
    words = list(words)
    trees = dict.fromkeys(_absolute(word) for word in words if Path(word).is_dir())
    logs = logs_of(word for word in words if not Path(word).is_dir())
    named = {log.path for log in logs}
    for tree in trees:
        found = logs_of([pattern_of(tree)])
        logs += [replace(log, tree=tree) for log in found if log.path not in named]
    return logs


def _log(path: str, part: list[str], *, is_found: bool) -> Log:
    if Path(path).is_dir():
        return Log(path, tuple(files_of(path)))
    return Log(path, tuple(in_order({*part} - {path})), is_found)


def _absolute(word: str) -> str:
    return word if word == STDIN else str(Path(word).absolute())


def _found(word: str) -> list[str]:
    if not is_pattern(word):
        return []
    found = sorted(glob.glob(word, recursive=True))
    return [_absolute(one) for one in found if Path(one).is_file()]


def _fits(base: str | None, words: list[str]) -> bool:
    """True for a log between two rotations: its pattern will find it again."""
    patterns = [_absolute(word) for word in words if is_pattern(word)]
    return base is not None and any(fnmatch(base, pattern) for pattern in patterns)


def is_pattern(word: str) -> bool:
    """True for `*.log`, unless a file is really called so."""
    return glob.has_magic(word) and not Path(word).exists()
