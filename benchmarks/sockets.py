"""1,000 browsers on the Live page of one web process, four frames a second.

The rows come from a running demo; hints are sent often enough that the hub renews as fast as it
may. A frame's latency runs from the moment its rows were read to its last byte in the client.
Bars: 4 frames a second to each, p99 at most 250 ms, 30 % of a core in the web process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import resource
import sys
import time
from datetime import datetime

import redis.asyncio
from websockets.asyncio.client import connect

from benchmarks.cpu import cpu_of
from benchmarks.product import CHILDREN, Product, demo
from benchmarks.quantiles import quantile
from benchmarks.visitor import looking_at
from pushdash import private

CHANNEL = "pushdash:hints"
AT = re.compile(r'"at": "([^"]+)"')
BAR_MS, BAR_SHARE, BAR_FRAMES = 250, 0.30, 4.0
#: Connected at once while the sockets are opened.
OPENING = 50


def main(arguments: list[str]) -> int:
    """1 when a bar was missed."""
    parser = argparse.ArgumentParser(prog="bin/bench sockets", description=__doc__)
    parser.add_argument("--sockets", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=30)
    options = parser.parse_args(arguments)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with demo() as product:
        crowd = Crowd(product, options.sockets)
        row = asyncio.run(crowd.watch(options.seconds))
    sys.stdout.write(json.dumps(row) + "\n")
    is_fast = row["p99_ms"] <= BAR_MS and round(row["frames_a_second"], 1) >= BAR_FRAMES
    return 0 if is_fast and row["web_share"] <= BAR_SHARE else 1


class Crowd:
    """Sockets of one login, and what arrived on them."""

    def __init__(self, product: Product, size: int) -> None:
        self._product, self._size = product, size
        self._visitor = looking_at(product)
        self._waits: list[float] = []
        self._bytes = 0
        self._is_counted = False
        self._open = 0

    async def watch(self, seconds: int) -> dict:
        """The result, once all sockets are open."""
        places = asyncio.Semaphore(OPENING)
        tasks = [asyncio.create_task(self._look(places)) for _ in range(self._size)]
        tasks.append(asyncio.create_task(self._hint()))
        while self._open < self._size:
            await self._first_failure(tasks)
            await asyncio.sleep(0.1)
        await asyncio.sleep(2)
        web = self._product.child(CHILDREN["web"])
        cpu, started, self._is_counted = cpu_of(web), time.monotonic(), True
        await asyncio.sleep(seconds)
        self._is_counted, spent = False, time.monotonic() - started
        cpu = cpu_of(web) - cpu
        await self._first_failure(tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return {
            "bench": "sockets",
            "sockets": self._size,
            "frames_a_second": round(len(self._waits) / spent / self._size, 2),
            "kilobytes_a_frame": round(self._bytes / len(self._waits) / 1000, 1),
            "p50_ms": round(quantile(self._waits, 0.5), 1),
            "p99_ms": round(quantile(self._waits, 0.99), 1),
            "web_share": round(cpu / spent, 2),
            "bars": {"frames": BAR_FRAMES, "p99_ms": BAR_MS, "web_share": BAR_SHARE},
        }

    async def _first_failure(self, tasks: list[asyncio.Task]) -> None:
        for task in tasks:
            if task.done():
                await task

    async def _look(self, places: asyncio.Semaphore) -> None:
        async with places:
            socket = await connect(
                self._visitor.socket_url,
                additional_headers=self._visitor.cookies,
                origin=self._product.url,
                open_timeout=30,
                max_size=None,
                compression=None,
            )
        self._open += 1
        async with socket:
            async for frame in socket:
                if self._is_counted:
                    self._waits.append((time.time() - read_at(frame)) * 1000)
                    self._bytes += len(frame)

    async def _hint(self) -> None:
        """Something changes all the time."""
        client = redis.asyncio.Redis.from_url(private.redis_url(self._product.var))
        async with client:
            while True:
                await client.publish(CHANNEL, "{}")
                await asyncio.sleep(0.05)


def read_at(frame: str) -> float:
    """Seconds of the epoch at which the rows of a frame were read."""
    return datetime.fromisoformat(AT.search(frame, 0, 100)[1]).timestamp()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
