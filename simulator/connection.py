"""One client's connection to the simulated APNs: HTTP/2, answers, scripted faults."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from typing import Protocol

from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings
from hyperframe.frame import GoAwayFrame, SettingsFrame

from simulator.certificates import ClientCertificate, read
from simulator.checks import Refusal, Request
from simulator.faults import Fault, Faults
from simulator.token_changes import OneKey, is_about_the_key

MOST_STREAMS = 1000


class Server(Protocol):
    """What a connection asks of its server."""

    is_strict: bool
    is_lazy: bool
    idle_seconds: float
    faults: Faults

    def connected(self, connection: ApnsConnection) -> None: ...

    def disconnected(self, connection: ApnsConnection) -> None: ...

    def note(self, request: Request) -> None: ...

    def judge(self, request: Request) -> Refusal | None: ...

    def environment_of(self, request: Request) -> str: ...


class ApnsConnection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, server: Server) -> None:
        self._server = server
        config = H2Configuration(client_side=False, header_encoding="utf-8")
        self._http2 = H2Connection(config)
        self._streams: dict[int, tuple[list, bytearray]] = {}
        #: Answers under way → their streams.
        self._tasks: dict[asyncio.Task, int] = {}
        self._is_trusting = not server.is_strict
        self._one_key = OneKey()
        self._certificate: ClientCertificate | None = None
        self._unread: dict[int, int] = {}
        self._newest = 0
        self._idle: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._is_leaving = False

    def cut(self) -> None:
        """Cut the TCP connection."""
        self._transport.abort()

    def connection_made(self, transport) -> None:
        self._transport = transport
        shown = transport.get_extra_info("ssl_object").getpeercert(True)
        self._certificate = read(shown) if shown else None
        self._is_trusting |= self._certificate is not None
        self._server.connected(self)
        # Not `update_settings`: the preface's own SETTINGS would follow it and win.
        values = {SettingCodes.MAX_CONCURRENT_STREAMS: MOST_STREAMS}
        self._http2.local_settings = Settings(client=False, initial_values=values)
        self._http2.initiate_connection()
        self._flush()
        if not self._is_trusting:
            self._allow(1)
        self._sit_up()

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.disconnected(self)
        if self._idle is not None:
            self._idle.cancel()
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
            self._reset(event.stream_id, ErrorCodes.REFUSED_STREAM)
        elif isinstance(event, events.RequestReceived):
            self._streams[event.stream_id] = (list(event.headers), bytearray())
        elif isinstance(event, events.DataReceived):
            self._read(event.stream_id, event.flow_controlled_length)
            if event.stream_id in self._streams:
                self._streams[event.stream_id][1].extend(event.data)
        elif isinstance(event, events.StreamEnded) and event.stream_id in self._streams:
            self._begin(event.stream_id)
        elif isinstance(event, events.StreamReset):
            self._streams.pop(event.stream_id, None)

    def _reset(self, stream_id: int, code: int) -> None:
        # The client may have given the stream up meanwhile.
        with contextlib.suppress(ProtocolError):
            self._http2.reset_stream(stream_id, code)

    def _read(self, stream_id: int, size: int) -> None:
        if self._server.is_lazy:
            self._unread[stream_id] = self._unread.get(stream_id, 0) + size
        else:
            self._http2.acknowledge_received_data(size, stream_id)

    def _sit_up(self) -> None:
        """Something happened: the idle time starts anew."""
        if self._idle is not None:
            self._idle.cancel()
        seconds = self._server.idle_seconds
        if seconds:
            loop = asyncio.get_running_loop()
            self._idle = loop.call_later(seconds, self._go_idle)

    def _go_idle(self) -> None:
        if not self._transport.is_closing():
            self.leave(self._newest, "IdleTimeout")

    def _allow(self, streams: int) -> None:
        """SETTINGS past h2, which would break the connection over an excess stream."""
        setting = {SettingCodes.MAX_CONCURRENT_STREAMS: streams}
        self._transport.write(SettingsFrame(0, settings=setting).serialize())

    def _is_excess(self) -> bool:
        return not self._is_trusting and len(self._streams) + len(self._tasks) > 0

    def _note_trust(self, stream_id: int, refusal: Refusal | None) -> None:
        """After ExpiredProviderToken everything else in flight is refused (pushy #476)."""
        if not self._server.is_strict:
            return
        if self._is_trusting == is_about_the_key(refusal):
            self._is_trusting = not self._is_trusting
            self._allow(MOST_STREAMS if self._is_trusting else 1)
        if refusal is not None and refusal.reason == "ExpiredProviderToken":
            for task, other in list(self._tasks.items()):
                if other != stream_id:
                    task.cancel()
                    self._reset(other, ErrorCodes.REFUSED_STREAM)

    def _begin(self, stream_id: int) -> None:
        headers, body = self._streams.pop(stream_id)
        self._newest = stream_id
        self._sit_up()
        if not any(name == "apns-id" for name, _ in headers):
            headers.append(("apns-id", str(uuid.uuid4())))
        request = Request(tuple(headers), bytes(body), self._certificate)
        self._server.note(request)
        if self._is_leaving:
            return
        fault = self._server.faults.take()
        if fault is not None and fault.kind in CONNECTION_FAULTS:
            CONNECTION_FAULTS[fault.kind](self, stream_id, request, fault)
            return
        self._start(stream_id, request, fault)

    def _start(self, stream_id: int, request: Request, fault: Fault | None) -> None:
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
        refusal = self._one_key.refuse(request) or self._server.judge(request)
        if not is_about_the_key(refusal):
            self._one_key.note(request)
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
            self._reset(stream_id, fault.code)
            self._flush()
        elif fault.is_processed:
            self._server.judge(request)
        if fault.kind == "drop":
            self.cut()

    def _go_away(self, stream_id: int, request: Request, fault: Fault) -> None:
        """Everything before this request is answered, this one and later ones never."""
        self.leave(max(0, stream_id - 2), "Shutdown")

    def leave(self, last: int, reason: str) -> None:
        """GOAWAY up to stream `last`; closed when what it covers is answered.

        Written past h2, whose `close_connection` would close the earlier streams too.
        """
        data = json.dumps({"reason": reason}).encode()
        frame = GoAwayFrame(0, last_stream_id=last, additional_data=data)
        self._transport.write(frame.serialize())
        self._is_leaving = True
        if not self._tasks:
            self._transport.close()

    def _fall_silent(self, stream_id: int, request: Request, fault: Fault) -> None:
        """Half dead: nothing is read or answered any more, PING neither, and no FIN."""
        self._transport.pause_reading()
        for task in self._tasks:
            task.cancel()

    def _change_limit(self, stream_id: int, request: Request, fault: Fault) -> None:
        """SETTINGS with another MAX_CONCURRENT_STREAMS, then a true answer."""
        limit = {SettingCodes.MAX_CONCURRENT_STREAMS: fault.streams}
        self._http2.update_settings(limit)
        self._start(stream_id, request, None)

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
        size = self._unread.pop(stream_id, 0)
        if size:
            self._http2.acknowledge_received_data(size, stream_id)
        # The client may have given the stream up meanwhile.
        with contextlib.suppress(ProtocolError):
            is_empty = pieces == [b""]
            self._http2.send_headers(stream_id, headers, end_stream=is_empty)
            for piece in [] if is_empty else pieces:
                self._http2.send_data(stream_id, piece, piece is pieces[-1])
        self._flush()


#: Faults of a whole connection, not of one answer.
CONNECTION_FAULTS = {
    "goaway": ApnsConnection._go_away,
    "mute": ApnsConnection._fall_silent,
    "limit": ApnsConnection._change_limit,
}
