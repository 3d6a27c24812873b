"""Memory of the APNs client over a million pushes, nginx as a sink: flat, or it leaks.

Bar: 4 MB more at the end than after the first tenth.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from benchmarks.client import ours, sink
from simulator.tls import make_identity

MOST_MB = 4.0
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def main(arguments: list[str]) -> int:
    """1 when the bar was missed, 2 without nginx."""
    parser = argparse.ArgumentParser(
        prog="bin/bench client-memory", description=__doc__
    )
    parser.add_argument("--pushes", type=int, default=1_000_000)
    parser.add_argument("--at-once", type=int, default=100)
    given = parser.parse_args(arguments)
    if shutil.which("nginx") is None:
        sys.stderr.write("nginx is needed: apt-get install nginx\n")
        return 2
    with tempfile.TemporaryDirectory(prefix="pushdash-bench-") as folder:
        identity = make_identity(Path(folder) / "apns")
        with sink(Path(folder)) as port:
            row = asyncio.run(measure(ours(identity, port), given))
    sys.stdout.write(json.dumps(row) + "\n")
    return 0 if row["ok"] else 1


async def measure(
    send: Callable[[], Awaitable[bool]], given: argparse.Namespace
) -> dict:
    """Megabytes in memory after each tenth of the pushes."""
    seen = []
    for _ in range(10):
        await send_all(send, given.pushes // 10, given.at_once)
        seen.append(round(resident_mb(), 1))
    grown = round(seen[-1] - seen[0], 1)
    return {
        "bench": "client-memory",
        "pushes": given.pushes,
        "mb": seen,
        "grown_mb": grown,
        "ok": grown <= MOST_MB,
    }


async def send_all(
    send: Callable[[], Awaitable[bool]], count: int, at_once: int
) -> None:
    """So many pushes, so many at once."""
    left = count

    async def sender() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            assert await send(), "the sink refused a push"

    await asyncio.gather(*(sender() for _ in range(at_once)))


def resident_mb() -> float:
    """What this process has in memory now (proc(5), statm)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * PAGE_BYTES / 1_000_000


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
