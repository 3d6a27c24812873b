"""What a page takes of a core: of the web process, and of PostgreSQL. One request at a time."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.browsing import Reader
from benchmarks.cpu import cpu_of

WARM = 3


def cpu_by_page(
    reader: Reader, pages: Mapping[str, Callable], server: int, number: int
) -> dict[str, tuple[float, float]]:
    """page → milliseconds of a core a request: web process, PostgreSQL. `server`: its pid."""
    found = {}
    for name, make in pages.items():
        dice = random.Random(5)
        for _ in range(WARM):
            reader.read(make(dice))
        before = cpu_of(server), _postgres()
        for _ in range(number):
            reader.read(make(dice))
        after = cpu_of(server), _postgres()
        spent = (late - early for late, early in zip(after, before, strict=True))
        found[name] = tuple(round(1000 * each / number, 1) for each in spent)
    return found


def _postgres() -> float:
    """Seconds of all its processes, those that ended included."""
    master = int(_postmaster().read_text().split("\n")[0])
    # proc(5): ppid is field 4; cutime and cstime, of children that ended, are 16 and 17.
    spent = sum(map(int, _fields(Path(f"/proc/{master}/stat"))[13:15]))
    total = spent / os.sysconf("SC_CLK_TCK")
    for process in Path("/proc").glob("[0-9]*/stat"):
        try:
            is_child = int(_fields(process)[1]) == master
            total += cpu_of(int(process.parent.name)) if is_child else 0.0
        except OSError:
            continue  # it has just ended
    return total


def _fields(stat: Path) -> list[str]:
    return stat.read_text().rpartition(")")[2].split()


def _postmaster() -> Path:
    return Path(os.environ["PUSHDASH_VAR"], "postgres/postmaster.pid")
