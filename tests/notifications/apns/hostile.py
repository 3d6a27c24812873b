"""A server that does to HTTP/2 what no server should, on its first connection; what comes
after that is treated well. It remembers what reached it and what it answered.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.exceptions import ProtocolError


@dataclass(frozen=True)
class Misdeed:
    """`greet` takes the place of the server's SETTINGS, `on_request` that of its answer to
    each whole request (stream id, how many came before it).
    """

    on_request: Callable[[Talker, int, int], None] | None = None
    greet: Callable[[Talker], None] | None = None


class HostileServer:
    """Listens; the first `bad_connections` get the misdeed."""

    def __init__(self, misdeed: Misdeed, bad_connections: int = 1) -> None:
        self.misdeed, self.bad_connections = misdeed, bad_connections
        #: Whole requests by apns-id; those answered 200; those surely disclaimed.
        self.whole: Counter[str] = Counter()
        self.answered: set[str] = set()
        self.disclaimed: set[str] = set()
        self.connections: list[Talker] = []

    async def start(self, identity) -> int:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(identity.certificate, identity.certificate_key)
        context.set_alpn_protocols(["h2"])
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Talker(self), "127.0.0.1", 0, ssl=context
        )
        return self._server.sockets[0].getsockname()[1]

    def mend(self) -> None:
        """From now on all is well, on connections that are open too."""
        self.bad_connections = 0
        for connection in self.connections:
            connection.misdeed = Misdeed()

    async def close(self) -> None:
        for connection in self.connections:
            connection.transport.abort()
        self._server.close()
        await asyncio.sleep(0)


class Talker(asyncio.Protocol):
    """One connection of it."""

    def __init__(self, server: HostileServer) -> None:
        self.server = server
        self.http2 = H2Connection(
            H2Configuration(
                client_side=False,
                header_encoding="utf-8",
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
            )
        )
        self.ids: dict[int, str] = {}
        self.begun: list[str] = []
        self.is_mute = False

    def connection_made(self, transport) -> None:
        self.transport = transport
        bad = len(self.server.connections) < self.server.bad_connections
        self.misdeed = self.server.misdeed if bad else Misdeed()
        self.server.connections.append(self)
        self.http2.initiate_connection()
        if self.misdeed.greet is None:
            self.flush()
        else:
            self.misdeed.greet(self)

    def flush(self) -> None:
        data = self.http2.data_to_send()
        if not self.transport.is_closing() and not self.is_mute:
            self.transport.write(data)

    def end(self) -> None:
        """Say nothing more, and go on reading."""
        self.flush()
        self.is_mute = True
        self.transport.get_extra_info("socket").shutdown(socket.SHUT_WR)

    def raw(self, *frames) -> None:
        """Frames past h2, which would not send them; bytes as they are."""
        self.flush()
        for frame in frames:
            data = frame if isinstance(frame, bytes) else frame.serialize()
            self.transport.write(data)

    def data_received(self, data: bytes) -> None:
        try:
            for event in self.http2.receive_data(data):
                self._on(event)
            self.flush()
        except ProtocolError:
            self.transport.abort()

    def _on(self, event: events.Event) -> None:
        if isinstance(event, events.RequestReceived):
            self.ids[event.stream_id] = dict(event.headers)["apns-id"]
        elif isinstance(event, events.DataReceived):
            size = event.flow_controlled_length
            self.http2.acknowledge_received_data(size, event.stream_id)
        elif isinstance(event, events.StreamEnded):
            self._whole(event.stream_id)

    def _whole(self, stream_id: int) -> None:
        apns_id = self.ids[stream_id]
        self.server.whole[apns_id] += 1
        self.begun.append(apns_id)
        if self.misdeed.on_request is None:
            self.accept(stream_id)
        else:
            self.misdeed.on_request(self, stream_id, len(self.begun) - 1)

    def accept(self, stream_id: int, *more: tuple[str, str], ends: bool = True) -> None:
        """200, with more headers."""
        self.server.answered.add(self.ids[stream_id])
        headers = [(":status", "200"), ("apns-id", self.ids[stream_id]), *more]
        self.http2.send_headers(stream_id, headers, end_stream=ends)

    def disclaim(self, *stream_ids: int) -> None:
        """These were surely not processed, whatever happens."""
        self.server.disclaimed |= {self.ids[one] for one in stream_ids}
