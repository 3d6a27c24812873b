"""Requests get threads that live on, each with its connection to PostgreSQL.

Django's ASGI handler runs each request in a thread of its own and so connects anew for each:
that takes longer than all that a push or a page needs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from asgiref.sync import ThreadSensitiveContext

#: Door → the beginnings of its addresses; the first that fits counts. A call must not wait
#: behind beacons, which come by the hundred a second, nor either behind a page.
BEGINNINGS = {
    "pushes": ("/gateway/", "/flexiapi/", "/api/v1/pushes"),
    "beacons": ("/api/v1/beacons",),
    "none": ("/api/v1/logs/", "/healthz", "/readyz"),
    "pages": ("/",),
}
#: Files of many rows take their time: they come through no door.
FILES = (".csv", ".ndjson")
#: So many threads has each door. A page computes in Python, where one thread at a time runs;
#: more of them only wait for PostgreSQL.
THREADS = {"pushes": 4, "beacons": 2, "pages": 6}


def door_of(path: str) -> str:
    """The door of a request."""
    if path.endswith(FILES):
        return "none"
    return next(
        (door for door, begins in BEGINNINGS.items() if path.startswith(begins)), "none"
    )


class Doors:
    """An ASGI application that stands before another one: a request goes through one of the
    threads of its door, and through none where its door has none. Belongs to one event loop.
    """

    def __init__(self, application, threads: Mapping[str, int]) -> None:
        self._application = application
        self._idle: dict[str, asyncio.LifoQueue[ThreadPoolExecutor]] = {}
        for door, number in threads.items():
            self._idle[door] = asyncio.LifoQueue()
            for _ in range(number):
                self._idle[door].put_nowait(ThreadPoolExecutor(1, f"door-{door}"))

    async def __call__(self, scope, receive, send) -> None:
        door = door_of(scope["path"]) if scope["type"] == "http" else "none"
        if door not in self._idle:
            await self._application(scope, receive, send)
            return
        # A body that comes slowly must keep no thread from others.
        receive = await _whole(receive)
        executor = await self._idle[door].get()
        try:
            # Django's own context inside this one changes nothing: the outermost counts.
            async with ThreadSensitiveContext(executor=executor):
                await self._application(scope, receive, send)
        finally:
            self._idle[door].put_nowait(executor)


async def _whole(receive):
    """A `receive` that has the body at hand, and then waits for the client to go away."""
    messages = [await receive()]
    while messages[-1]["type"] == "http.request" and messages[-1].get("more_body"):
        messages.append(await receive())

    async def replay() -> dict:
        return messages.pop(0) if messages else await receive()

    return replay
