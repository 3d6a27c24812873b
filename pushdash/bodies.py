"""Cuts request bodies that are too long or never end, before anything reads them.

Django takes in a whole body before a view runs; without this a client could fill the disk.
"""

from __future__ import annotations

import asyncio
import time

#: Bytes as sent (packed) and seconds a body may take, on addresses for logs and on others.
LOGS_PATH = "/api/v1/logs/"
LONGEST_LOGS_BYTES = 16 * 1024 * 1024
LONGEST_BYTES = 3 * 1024 * 1024
LONGEST_SECONDS = 30.0


class BodyCut(Exception):
    """A body was cut; `status` says why: 413 too long, 408 too slow."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


class BodyLimit:
    """An ASGI application that stands before another one."""

    def __init__(self, application, longest_seconds: float = LONGEST_SECONDS) -> None:
        self._application, self._longest_seconds = application, longest_seconds

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        body = Body(receive, _limit(scope["path"]), self._longest_seconds)
        try:
            if _said_length(scope) > _limit(scope["path"]):
                raise BodyCut(413)
            await self._application(scope, body.receive, send)
        except BodyCut as error:
            await _refuse(send, error.status)


class Body:
    """Counts one request's body as it is received."""

    def __init__(self, receive, longest_bytes: int, longest_seconds: float) -> None:
        self._receive, self._left = receive, longest_bytes
        self._until = time.monotonic() + longest_seconds
        self._is_whole = False

    async def receive(self) -> dict:
        """The next ASGI message. Raises BodyCut."""
        if self._is_whole:
            return await self._receive()  # waits for the client to go away
        try:
            left = max(0.0, self._until - time.monotonic())
            message = await asyncio.wait_for(self._receive(), left)
        except TimeoutError as error:
            raise BodyCut(408) from error
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise BodyCut(413)
        self._is_whole = not message.get("more_body", False)
        return message


def _limit(path: str) -> int:
    return LONGEST_LOGS_BYTES if path.startswith(LOGS_PATH) else LONGEST_BYTES


def _said_length(scope) -> int:
    value = dict(scope["headers"]).get(b"content-length", b"")
    return int(value[:20]) if value.isdigit() else 0


async def _refuse(send, status: int) -> None:
    words = {408: b"the body came too slowly\n", 413: b"the body is too long\n"}[status]
    headers = [(b"content-type", b"text/plain"), (b"connection", b"close")]
    headers.append((b"content-length", str(len(words)).encode()))
    start = {"type": "http.response.start", "status": status, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": words})
