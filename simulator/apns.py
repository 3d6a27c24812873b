"""An APNs server over TLS and HTTP/2: provider tokens, Apple's reasons, scripted faults."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import time
import uuid
from collections import Counter
from collections.abc import Callable

from cryptography.hazmat.primitives import serialization
from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings
from hyperframe.frame import GoAwayFrame

from simulator.checks import Checker, Keys, Refusal, Request, token_of
from simulator.directory import Delivery, Directory
from simulator.faults import Fault, Faults
from simulator.tls import Identity
from simulator.token_changes import TokenChanges, is_about_the_key

MOST_STREAMS = 1000


class ApnsServer:
    """A running server. `received` counts each apns-id that came in whole,
    `provider_tokens` each token they were sent with.
    """

    def __init__(
        self,
        directory: Directory,
        identity: Identity,
        environments: tuple[str, ...] = ("production",),
        faults: Faults | None = None,
        clock: Callable[[], float] = time.time,
        bundle_ids: frozenset[str] | None = None,
        is_strict: bool = False,
    ) -> None:
        """`is_strict`: one stream until a provider token was accepted, the excess refused;
        an expired token ends that trust; a second token within 20 minutes is a 429.
        """
        self.is_strict, self._token_changes = is_strict, TokenChanges(clock)
        self.directory, self.identity, self.clock = directory, identity, clock
        self.faults = faults or Faults()
        self.received: Counter[str] = Counter()
        self.provider_tokens: Counter[str] = Counter()
        keys = keys_of(identity)
        self._checkers = {
            name: Checker(directory, keys, name, clock, bundle_ids)
            for name in environments
        }
        self._server: asyncio.Server | None = None
        self._connections: set[ApnsConnection] = set()
        self.port = 0

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; `port` 0 takes a free one and says which."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: ApnsConnection(self), host, port, ssl=self._tls()
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and cut every connection."""
        for connection in list(self._connections):
            connection.cut()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def connected(self, connection: ApnsConnection) -> None:
        self._connections.add(connection)

    def disconnected(self, connection: ApnsConnection) -> None:
        self._connections.discard(connection)

    def judge(self, request: Request) -> Refusal | None:
        """Accept (None) or refuse; accepted pushes go to the phones."""
        refusal = self._checkers[self.environment_of(request)].refuse(request)
        if self.is_strict and not is_about_the_key(refusal):
            refusal = self._token_changes.refuse(request) or refusal
        if refusal is None:
            self.directory.deliver(self._delivery(request))
        return refusal

    def environment_of(self, request: Request) -> str:
        """One port may stand for both of Apple's servers: the token says which."""
        entry = self.directory.find(token_of(request))
        name = entry.environment if entry else ""
        return name if name in self._checkers else next(iter(self._checkers))

    def _delivery(self, request: Request) -> Delivery:
        return Delivery(
            token=token_of(request),
            topic=request.get("apns-topic"),
            push_type=request.get("apns-push-type") or "alert",
            priority=int(request.get("apns-priority", "10")),
            expiration=int(request.get("apns-expiration", "0")),
            apns_id=request.get("apns-id"),
            payload=json.loads(request.body),
            received_at=self.clock(),
        )

    def _tls(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(
            self.identity.certificate, self.identity.certificate_key
        )
        context.set_alpn_protocols(["h2"])
        return context


def keys_of(identity: Identity) -> Keys:
    """The public half of the identity's `.p8` key."""
    private = serialization.load_pem_private_key(identity.key_pem.encode(), None)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return Keys({identity.key_id: (identity.team_id, public.decode())})


class ApnsConnection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, server: ApnsServer) -> None:
        self._server = server
        config = H2Configuration(client_side=False, header_encoding="utf-8")
        self._http2 = H2Connection(config)
        self._streams: dict[int, tuple[list, bytearray]] = {}
        #: Answers under way → their streams.
        self._tasks: dict[asyncio.Task, int] = {}
        self._is_trusting = not server.is_strict
        self._transport: asyncio.Transport | None = None
        self._is_leaving = False

    def cut(self) -> None:
        """Cut the TCP connection."""
        self._transport.abort()

    def connection_made(self, transport) -> None:
        self._transport = transport
        self._server.connected(self)
        # Not `update_settings`: the preface's own SETTINGS would follow it and win.
        values = {SettingCodes.MAX_CONCURRENT_STREAMS: MOST_STREAMS}
        self._http2.local_settings = Settings(client=False, initial_values=values)
        self._http2.initiate_connection()
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.disconnected(self)
        for task in self._tasks:
            task.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            for event in self._http2.receive_data(data):
                self._on(event)
            self._flush()
        except ProtocolError:
            self.cut()

    def _flush(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(self._http2.data_to_send())

    def _on(self, event: events.Event) -> None:
        if isinstance(event, events.RequestReceived) and self._is_excess():
            self._http2.reset_stream(event.stream_id, ErrorCodes.REFUSED_STREAM)
        elif isinstance(event, events.RequestReceived):
            self._streams[event.stream_id] = (list(event.headers), bytearray())
        elif isinstance(event, events.DataReceived):
            self._http2.acknowledge_received_data(
                event.flow_controlled_length, event.stream_id
            )
            if event.stream_id in self._streams:
                self._streams[event.stream_id][1].extend(event.data)
        elif isinstance(event, events.StreamEnded) and event.stream_id in self._streams:
            self._begin(event.stream_id)
        elif isinstance(event, events.StreamReset):
            self._streams.pop(event.stream_id, None)

    def _is_excess(self) -> bool:
        return not self._is_trusting and len(self._streams) + len(self._tasks) > 0

    def _note_trust(self, stream_id: int, refusal: Refusal | None) -> None:
        """After ExpiredProviderToken everything else in flight is refused (pushy #476)."""
        if not self._server.is_strict:
            return
        self._is_trusting = not is_about_the_key(refusal)
        if refusal is not None and refusal.reason == "ExpiredProviderToken":
            for task, other in list(self._tasks.items()):
                if other != stream_id:
                    task.cancel()
                    self._http2.reset_stream(other, ErrorCodes.REFUSED_STREAM)

    def _begin(self, stream_id: int) -> None:
        headers, body = self._streams.pop(stream_id)
        if not any(name == "apns-id" for name, _ in headers):
            headers.append(("apns-id", str(uuid.uuid4())))
        request = Request(tuple(headers), bytes(body))
        self._server.received[request.get("apns-id")] += 1
        self._server.provider_tokens[request.get("authorization")] += 1
        if self._is_leaving:
            return
        fault = self._server.faults.take()
        if fault is not None and fault.kind == "goaway":
            self._go_away(stream_id)
            return
        task = asyncio.ensure_future(self._answer(stream_id, request, fault))
        self._tasks[task] = stream_id
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task) -> None:
        self._tasks.pop(task, None)
        if self._is_leaving and not self._tasks:
            self._transport.close()

    async def _answer(self, stream_id: int, request: Request, fault: Fault | None):
        if fault is not None and fault.kind != "delay":
            self._misbehave(stream_id, request, fault)
            return
        if fault is not None:
            await asyncio.sleep(fault.seconds)
        refusal = self._server.judge(request)
        self._note_trust(stream_id, refusal)
        if refusal is None:
            self._send(stream_id, 200, [b""], request)
        else:
            said = {"reason": refusal.reason}
            if refusal.timestamp is not None:
                said["timestamp"] = refusal.timestamp
            body = json.dumps(said).encode()
            self._send(stream_id, refusal.status, [body], request)

    def _misbehave(self, stream_id: int, request: Request, fault: Fault) -> None:
        if fault.kind == "answer":
            size = max(1, len(fault.body) // fault.pieces)
            pieces = [
                fault.body[at : at + size] for at in range(0, len(fault.body), size)
            ]
            self._send(
                stream_id, fault.status, pieces or [b""], request, fault.with_apns_id
            )
        elif fault.kind == "reset":
            self._http2.reset_stream(stream_id, fault.code)
            self._flush()
        elif fault.kind == "drop":
            if fault.is_processed:
                self._server.judge(request)
            self.cut()

    def _go_away(self, stream_id: int) -> None:
        """Everything before this request is answered, this one and later ones never.

        Written past h2, whose `close_connection` would close the earlier streams too.
        """
        data = json.dumps({"reason": "Shutdown"}).encode()
        last = max(0, stream_id - 2)
        frame = GoAwayFrame(0, last_stream_id=last, additional_data=data)
        self._transport.write(frame.serialize())
        self._is_leaving = True
        if not self._tasks:
            self._transport.close()

    def _send(
        self,
        stream_id: int,
        status: int,
        pieces: list[bytes],
        request: Request,
        with_apns_id: bool = True,
    ) -> None:
        headers = [(":status", str(status))]
        if with_apns_id:
            headers.append(("apns-id", request.get("apns-id")))
        if status == 200 and self._server.environment_of(request) == "sandbox":
            # Apple: "only available in the Development environment"
            headers.append(("apns-unique-id", str(uuid.uuid4())))
        # The client may have given the stream up meanwhile.
        with contextlib.suppress(ProtocolError):
            is_empty = pieces == [b""]
            self._http2.send_headers(stream_id, headers, end_stream=is_empty)
            for piece in [] if is_empty else pieces:
                self._http2.send_data(stream_id, piece, piece is pieces[-1])
        self._flush()
