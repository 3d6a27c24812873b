"""Requests of programs get threads that live on, each with its connection to PostgreSQL.

Django's ASGI handler runs each request in a thread of its own and so connects anew for each:
that takes longer than all that a push needs.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from asgiref.sync import ThreadSensitiveContext

#: Where SIP servers and programs ask for pushes; where apps post their beacons, which come by
#: the hundred a second and must not stand in the way of a call.
PUSHES = ("/gateway/", "/flexiapi/", "/api/v1/pushes")
BEACONS = ("/api/v1/beacons",)


class Doors:
    """An ASGI application that stands before another one: requests for these paths go through
    so many threads. Belongs to one event loop.
    """

    def __init__(self, application, paths: tuple[str, ...], threads: int) -> None:
        self._application, self._paths = application, paths
        self._idle: asyncio.LifoQueue[ThreadPoolExecutor] = asyncio.LifoQueue()
        for _ in range(threads):
            self._idle.put_nowait(ThreadPoolExecutor(1, thread_name_prefix="door"))

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(self._paths):
            await self._application(scope, receive, send)
            return
        # A body that comes slowly must keep no thread from others.
        receive = await _whole(receive)
        executor = await self._idle.get()
        try:
            # Django's own context inside this one changes nothing: the outermost counts.
            async with ThreadSensitiveContext(executor=executor):
                await self._application(scope, receive, send)
        finally:
            self._idle.put_nowait(executor)


async def _whole(receive):
    """A `receive` that has the body at hand, and then waits for the client to go away."""
    messages = [await receive()]
    while messages[-1]["type"] == "http.request" and messages[-1].get("more_body"):
        messages.append(await receive())

    async def replay() -> dict:
        return messages.pop(0) if messages else await receive()

    return replay
