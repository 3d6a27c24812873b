"""The most memory a process held.

What `wait4` and `getrusage` tell of a program counts the process that started it too: the
maximum outlives `execve` (Linux, `fs/exec.c`). A test run that grew would be taken for it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO

#: Small itself, it starts the program, and prints how it ended to the descriptor it is given.
STARTER = """
import json, os, sys, time
started = time.monotonic()
pid = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(pid, 0)
seconds = time.monotonic() - started
told = json.dumps([seconds, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status)])
os.write(int(sys.argv[1]), told.encode())
"""


@dataclass(frozen=True)
class Run:
    """Seconds by the wall, and the most memory held at once in MB."""

    seconds: float
    peak_mb: float


def held_mb(pid: int | str = "self") -> float:
    """The most that a process which still runs held, in MB (proc_pid_status(5), VmHWM)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(f"process {pid} has ended")


def measured(command: list[str], out: IO[bytes], folder: Path) -> Run:
    """One run of a command in a folder. Raises SystemExit when it fails."""
    read, write = os.pipe()
    starter = [sys.executable, "-S", "-c", STARTER, str(write), *command]
    with open(read, "rb") as told:
        process = subprocess.Popen(starter, stdout=out, cwd=folder, pass_fds=[write])
        os.close(write)
        seconds, peak_mb, code = json.loads(told.read() or "[0, 0, 1]")
        process.wait()
    if code:
        raise SystemExit(f"{command} ended with {code}")
    return Run(seconds, peak_mb)
