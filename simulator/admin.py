"""The simulator's small admin endpoint, plain HTTP on loopback, for while it runs.

GET / tells what was received and which faults wait; POST /faults appends a JSON list of
them, DELETE /faults forgets them. POST /devices, /tokens and /keys change states; GET /log is
the delivery log.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Protocol

from simulator.apns import ApnsServer
from simulator.device import Devices
from simulator.faults import read_faults

LONGEST_BODY = 1_000_000


class Tokens(Protocol):
    """What can be changed of tokens and of the devices behind them."""

    devices: Devices

    def change(self, token: str, status: str) -> None: ...


class Admin:
    """The endpoint of one server."""

    def __init__(self, server: ApnsServer, tokens: Tokens) -> None:
        self._apns, self._tokens = server, tokens
        self._answers: dict[tuple[str, str], Callable[[bytes], dict]] = {
            ("GET", "/"): self._state,
            ("POST", "/faults"): self._add_faults,
            ("DELETE", "/faults"): self._forget_faults,
            ("POST", "/devices"): self._change_devices,
            ("POST", "/tokens"): self._change_tokens,
            ("POST", "/keys"): self._revoke_keys,
            ("GET", "/log"): self._log,
        }
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
        answer = self._answers.get((method, path))
        if answer is None:
            known = ", ".join(" ".join(one) for one in self._answers)
            return "404 Not Found", {"error": known}
        return "200 OK", answer(body)

    def _add_faults(self, body: bytes) -> dict:
        self._apns.faults.script += read_faults(body)
        return self._state(body)

    def _forget_faults(self, body: bytes) -> dict:
        self._apns.faults.script.clear()
        return self._state(body)

    def _state(self, body: bytes) -> dict:
        received = self._apns.received
        waiting = [one for one in self._apns.faults.script if one.times > 0]
        return {
            "received": sum(received.values()),
            "twice": [apns_id for apns_id, count in received.items() if count > 1],
            "connections": self._apns.opened,
            "faults": [asdict(one) | {"body": one.body.decode()} for one in waiting],
        }

    def _change_devices(self, body: bytes) -> dict:
        for token, states in _object(body).items():
            self._tokens.devices.change(token, time.time(), **_object(states))
        return {"ok": True}

    def _change_tokens(self, body: bytes) -> dict:
        for token, status in _object(body).items():
            self._tokens.change(token, status)
        return {"ok": True}

    def _revoke_keys(self, body: bytes) -> dict:
        """From now on `{"revoked": [key id, …]}`, and no other."""
        revoked = self._apns.keys.revoked
        revoked.clear()
        revoked.update(map(str, _object(body).get("revoked", [])))
        return {"revoked": sorted(revoked)}

    def _log(self, body: bytes) -> dict:
        return {"log": [asdict(line) for line in self._tokens.devices.log]}


def _object(said: object) -> dict:
    if isinstance(said, bytes):
        said = json.loads(said)
    if not isinstance(said, dict):
        raise ValueError("a JSON object is wanted")
    return said


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
