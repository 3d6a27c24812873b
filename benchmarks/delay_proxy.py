"""A TCP proxy that holds every byte back for half a round trip: a far APNs on loopback."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager, nullcontext

from benchmarks.wire import served_by


def far(port: int, milliseconds: float) -> AbstractContextManager[int]:
    """The port of a proxy before `port`, with this round trip; `port` itself for 0."""
    if not milliseconds:
        return nullcontext(port)
    return served_by("benchmarks.delay_proxy", port, milliseconds)


def serve(mine: str, there: str, milliseconds: str) -> None:
    """Until ended."""
    asyncio.run(_serve(int(mine), int(there), float(milliseconds) / 2000))


async def _serve(mine: int, there: int, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Side(there, seconds), "127.0.0.1", mine)
    await server.serve_forever()


class Side(asyncio.Protocol):
    """One end of a connection; what it receives goes to `other`, late."""

    def __init__(self, there: int = 0, seconds: float = 0.0) -> None:
        self._there, self._seconds = there, seconds
        self.other: Side | None = None
        self.transport: asyncio.Transport | None = None
        self._early: list[bytes] = []

    def connection_made(self, transport) -> None:
        self.transport = transport
        if self._there:
            self._dialling = asyncio.ensure_future(self._dial())

    async def _dial(self) -> None:
        other = Side(seconds=self._seconds)
        other.other = self
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: other, "127.0.0.1", self._there)
        self.other = other
        for data in self._early:
            self.data_received(data)

    def data_received(self, data: bytes) -> None:
        if self.other is None:
            self._early.append(data)
            return
        loop = asyncio.get_running_loop()
        loop.call_later(self._seconds, self.other.transport.write, data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()
