"""The simulator's small admin endpoint, plain HTTP on loopback: scripts faults while it runs.

GET / tells what was received and which faults wait; POST /faults appends a JSON list of
them; DELETE /faults forgets them.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict

from simulator.apns import ApnsServer
from simulator.faults import read_faults

LONGEST_BODY = 1_000_000


class Admin:
    """The endpoint of one server."""

    def __init__(self, server: ApnsServer) -> None:
        self._apns = server
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self, port: int = 0) -> None:
        """Listen on loopback; `port` 0 takes a free one and says which."""
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening."""
        self._server.close()
        await self._server.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer) -> None:
        try:
            status, said = self._answer(*await _request(reader))
        except (ValueError, asyncio.IncompleteReadError) as error:
            status, said = "400 Bad Request", {"error": str(error)}
        body = json.dumps(said).encode() + b"\n"
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
        head += f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    def _answer(self, method: str, path: str, body: bytes) -> tuple[str, dict]:
        faults = self._apns.faults
        if (method, path) == ("POST", "/faults"):
            faults.script += read_faults(body)
        elif (method, path) == ("DELETE", "/faults"):
            faults.script.clear()
        elif (method, path) != ("GET", "/"):
            return "404 Not Found", {"error": "GET /, POST /faults or DELETE /faults"}
        return "200 OK", self._state()

    def _state(self) -> dict:
        received = self._apns.received
        waiting = [one for one in self._apns.faults.script if one.times > 0]
        return {
            "received": sum(received.values()),
            "twice": [apns_id for apns_id, count in received.items() if count > 1],
            "faults": [asdict(one) | {"body": one.body.decode()} for one in waiting],
        }


async def _request(reader: asyncio.StreamReader) -> tuple[str, str, bytes]:
    """Method, path and body. Raises ValueError for what is no request."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    method, path, _ = first.split(" ")
    headers = dict(line.lower().split(":", 1) for line in lines if ":" in line)
    size = int(headers.get("content-length", "0"))
    if not 0 <= size <= LONGEST_BODY:
        raise ValueError("the body is too long")
    return method, path, await reader.readexactly(size)
