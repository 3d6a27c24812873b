"""Seconds of a core that processes have used: what a loaded machine cannot stretch much."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path


def cpu_of(pid: int) -> float:
    """Seconds of a core that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    # proc(5): utime and stime are fields 14 and 15 of all.
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Spent:
    """Seconds of a core so far: of this process, and of its PostgreSQL backend."""

    python: float
    postgres: float

    @classmethod
    def by(cls, backend: int) -> Spent:
        """Up to now; `backend`: the pid that PostgreSQL gives this session."""
        return cls(time.process_time(), cpu_of(backend))

    def since(self, before: Spent) -> Spent:
        """What came after."""
        return Spent(self.python - before.python, self.postgres - before.postgres)

    def plus(self, other: Spent) -> Spent:
        """Both together."""
        return Spent(self.python + other.python, self.postgres + other.postgres)
