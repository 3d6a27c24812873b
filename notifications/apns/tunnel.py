"""A way to APNs through an HTTP proxy's CONNECT (RFC 9110 §9.3.6).

aioapns' own way waits for ever when the proxy says anything but "200 Connect".
"""

from __future__ import annotations

import asyncio
import re
import socket
from dataclasses import dataclass

LONGEST_HEAD = 16_384
#: As much of it as is told on: what is no text, or longer, is left out.
STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})[ -~]{0,100}")


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where the proxy listens."""

    host: str
    port: int


async def open_tunnel(proxy: Proxy, host: str, port: int) -> socket.socket:
    """A connected socket to `host` behind the proxy.

    Raises OSError, with the proxy's words, when there is no way.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(proxy.host, proxy.port, type=socket.SOCK_STREAM)
    family, kind, protocol, _, address = found[0]
    way = socket.socket(family, kind, protocol)
    way.setblocking(False)
    try:
        await loop.sock_connect(way, address)
        asked = f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n"
        await loop.sock_sendall(way, asked.encode())
        _check(await _head(loop, way))
    except BaseException:
        way.close()
        raise
    return way


async def _head(loop: asyncio.AbstractEventLoop, way: socket.socket) -> bytes:
    """The proxy's answer. TLS is ours to begin, so nothing follows it by itself."""
    head = b""
    while b"\r\n\r\n" not in head and len(head) < LONGEST_HEAD:
        more = await loop.sock_recv(way, LONGEST_HEAD - len(head))
        if not more:
            raise ConnectionError("the proxy closed the connection")
        head += more
    return head


def _check(head: bytes) -> None:
    status = STATUS_LINE.match(head)
    if status is None:
        raise ConnectionError("the proxy answered no HTTP")
    if not status[1].startswith(b"2"):
        said = status[0].decode("latin-1")
        raise ConnectionError(f"the proxy refused: {said}")
