"""The few connections of one credential: which one a push takes, and when to open another.

Made by aioapns's pool; its `acquire` polls while all are busy and never times out, so the
choice is ours.
"""

from __future__ import annotations

import asyncio
import random
import time
from functools import partial

from aioapns import APNs

from .connection import Connection, Flight
from .errors import NotProcessed
from .stream import Answer
from .tunnel import Proxy, open_tunnel

MOST_CONNECTIONS = 4
CONNECT_SECONDS = 10.0
GOODBYE_SECONDS = 1.0
#: After failures in a row Apple is left alone for a while: fast reconnecting is an attack.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 5.0


def pause_after(failures: int, dice: float) -> float:
    """Seconds before the next connection is tried; `dice` in 0…1 spreads them."""
    doubled = FIRST_PAUSE_SECONDS * 2 ** min(failures - 1, 10)
    return min(doubled, LONGEST_PAUSE_SECONDS) * (0.5 + dice / 2)


class Connections:
    """Up to `MOST_CONNECTIONS` to one server with one credential. Belongs to one loop."""

    def __init__(self, apns: APNs, host: str, proxy: Proxy | None = None) -> None:
        self._pool, self._host = apns.pool, host
        if proxy is not None:
            # The pool's own seam for its two ways, direct and through its proxy.
            self._pool._create_connection = partial(_through, proxy, apns.pool)
        self._open: list[Connection] = []
        #: Those that take no push any more and still owe answers.
        self._draining: list[Connection] = []
        self._is_closed = False
        self._dialling: asyncio.Task[None] | None = None
        self._failures, self._not_before = 0, 0.0
        self._why = ""

    @property
    def trouble(self) -> str:
        """What the newest dial failed for; empty when it did not."""
        return self._why if self._failures else ""

    async def send(self, flight: Flight) -> Answer:
        """Send one request by the best connection; by another, when that one comes to its
        end before the request began there. Raises NotProcessed or Lost.
        """
        for _ in range(MOST_CONNECTIONS):
            connection = await self.best()
            try:
                return await connection.send(flight)
            except NotProcessed as error:
                if flight.stream is not None:
                    raise
                self._why = str(error)
        raise NotProcessed(f"no connection to {self._host} lasts: {self._why}")

    async def best(self) -> Connection:
        """The connection the next push should take. Raises NotProcessed without any."""
        if self._is_closed:
            raise NotProcessed("the client was closed")
        free = [one for one in self._open if not one.is_busy]
        if free:
            return min(free, key=len)
        self._drop_what_is_over()
        if len(self._open) >= MOST_CONNECTIONS:
            return min(self._open, key=len)
        if self._open and time.monotonic() < self._not_before:
            return min(self._open, key=len)
        await self._one_more()
        free = [one for one in self._open if not one.is_over]
        if not free:
            raise NotProcessed(f"no connection to {self._host}: {self._why}")
        return min(free, key=lambda one: (one.is_busy, len(one)))

    async def close(self) -> None:
        """Close all of them; a server that does not say goodbye is not waited for."""
        closing, self._open, self._draining = [*self._open, *self._draining], [], []
        self._is_closed, self._why = True, "the client was closed"
        if self._dialling is not None:
            self._dialling.cancel()
        for connection in closing:
            connection.close()
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                for connection in closing:
                    await connection.gone.wait()
        except TimeoutError:
            for connection in closing:
                connection.transport.abort()

    async def _one_more(self) -> None:
        """All who need one wait for the same dial; who gives up does not stop it."""
        if self._dialling is None or self._dialling.done():
            self._dialling = asyncio.ensure_future(self._dial())
        await asyncio.wait([self._dialling])

    async def _dial(self) -> None:
        await asyncio.sleep(max(0.0, self._not_before - time.monotonic()))
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                connection = await self._pool.create_connection()
        except (OSError, ValueError) as error:  # ValueError: a host that is no name
            self._failed(str(error) or f"no answer within {CONNECT_SECONDS:.0f} s")
            return
        self._open.append(connection)

    def _drop_what_is_over(self) -> None:
        """One that ended and never answered a push is as bad as one that never opened."""
        over = [one for one in self._open if one.is_over]
        self._open = [one for one in self._open if not one.is_over]
        draining = (one for one in [*self._draining, *over] if not one.gone.is_set())
        self._draining = list(draining)
        if any(one.has_answered for one in [*over, *self._open]):
            self._failures = 0
        elif over:
            self._failed("it closes connections before it answers")

    def _failed(self, why: str) -> None:
        self._failures, self._why = self._failures + 1, why
        pause = pause_after(self._failures, random.random())
        self._not_before = time.monotonic() + pause


async def _through(proxy: Proxy, pool, factory) -> Connection:
    server = pool.protocol_class
    way = await open_tunnel(proxy, server.APNS_SERVER, server.APNS_PORT)
    try:
        _, connection = await asyncio.get_running_loop().create_connection(
            factory, sock=way, ssl=pool.ssl_context, server_hostname=server.APNS_SERVER
        )
    except BaseException:
        way.close()
        raise
    return connection
