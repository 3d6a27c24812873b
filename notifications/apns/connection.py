"""aioapns's protocol, made safe: it goes in through aioapns's own seam, `pool.protocol_class`.

Answers are matched by stream, received DATA is acknowledged, RST_STREAM and GOAWAY mean what
RFC 9113 says (§6.8: streams above last_stream_id were not processed), nothing is ever sent a
second time from here, and no future is left pending when a connection goes.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field

from aioapns.connection import APNsTLSClientProtocol
from h2 import events
from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError

from .errors import Lost, NotProcessed
from .http2 import Http2

#: Streams we open at most, whatever the server allows.
MOST_STREAMS = 1000
PING_SECONDS = 30
STATUS = re.compile(r"[1-5][0-9]{2}")


@dataclass(slots=True)
class Flight:
    """One request on its way. `departed`: its bytes were handed to the socket."""

    departed: bool = False
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    answered: asyncio.Future | None = None


class Connection(APNsTLSClientProtocol):
    """One HTTP/2 connection to APNs. Sub-classed per server by `client`."""

    INACTIVITY_TIME = 3600

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.conn = Http2()
        self._flights: dict[int, Flight] = {}
        self._changed = asyncio.Event()
        self._is_ready = False
        self._is_leaving = False
        self._is_lost = False
        self._ping_unanswered = False
        self._ping_timer: asyncio.TimerHandle | None = None

    # Sending

    @property
    def is_busy(self) -> bool:
        """What the pool asks: look for another connection?"""
        return self._is_closed() or len(self._flights) >= self._most_streams()

    async def send(
        self, headers: list[tuple[str, str]], body: bytes, flight: Flight
    ) -> Flight:
        """Send one request and wait for its answer.

        Raises NotProcessed or Lost. May be cancelled at any time: `flight.departed` then
        tells whether it had left.
        """
        while not self._is_closed() and not self._has_room(len(body)):
            self._changed.clear()
            await self._changed.wait()
        self._check_open()
        stream_id = self._new_stream()
        flight.answered = asyncio.get_running_loop().create_future()
        self._flights[stream_id] = flight
        try:
            self._write(stream_id, headers, body)
            flight.departed = True
            self.flush()
            return await flight.answered
        finally:
            self._forget(stream_id)

    def _new_stream(self) -> int:
        try:
            return self.conn.get_next_available_stream_id()
        except ProtocolError as error:  # 2^30 streams were used: RFC 9113 §5.1.1
            self._leave()
            raise NotProcessed("the connection has no stream left") from error

    def _write(self, stream_id: int, headers: list, body: bytes) -> None:
        """Hand a whole request to h2. Nothing has left while this raises."""
        try:
            self.conn.send_headers(stream_id, headers)
            self.conn.send_data(stream_id, body, end_stream=True)
        except ProtocolError as error:
            raise NotProcessed(f"the request breaks HTTP/2: {error}") from error

    def _check_open(self) -> None:
        if self._is_closed():
            raise NotProcessed("the connection closed before the push was sent")

    def _is_closed(self) -> bool:
        return self._is_leaving or self._is_lost or self.transport.is_closing()

    def _most_streams(self) -> int:
        return min(self.conn.remote_settings.max_concurrent_streams, MOST_STREAMS)

    def _has_room(self, size: int) -> bool:
        """SETTINGS were seen, a stream is free, and the windows take the whole body."""
        windows = min(
            self.conn.outbound_flow_control_window,
            self.conn.remote_settings.initial_window_size,
        )
        has_stream = len(self._flights) < self._most_streams()
        return self._is_ready and has_stream and windows >= size

    def _forget(self, stream_id: int) -> None:
        flight = self._flights.pop(stream_id, None)
        if flight is not None and _is_given_up(flight) and not self._is_lost:
            # Tell the server, and give the stream back.
            self._reset(stream_id)
        self._changed.set()
        if self._is_leaving and not self._flights:
            self.close()

    def _reset(self, stream_id: int) -> None:
        try:
            self.conn.reset_stream(stream_id, ErrorCodes.CANCEL)
            self.flush()
        except ProtocolError:
            return  # the stream ended meanwhile: there is nothing to give back

    # Receiving

    def connection_made(self, transport) -> None:
        super().connection_made(transport)
        self._ping_timer = self.loop.call_later(PING_SECONDS, self._ping)

    def data_received(self, data: bytes) -> None:
        try:
            for event in self.conn.receive_data(data):
                self._on(event)
            self.flush()
        except ProtocolError as error:
            self._fail_all(Lost(f"APNs broke HTTP/2: {error}"))
            self._leave()
            self.close()
        self._changed.set()

    def _on(self, event: events.Event) -> None:
        if isinstance(event, events.ResponseReceived):
            self._on_response(event)
        elif isinstance(event, events.DataReceived):
            self._on_data(event)
        elif isinstance(event, events.StreamEnded):
            self._on_end(event.stream_id)
        elif isinstance(event, events.StreamReset):
            self._on_reset(event)
        elif isinstance(event, events.RemoteSettingsChanged):
            self._is_ready = True
        elif isinstance(event, events.ConnectionTerminated):
            self._on_goaway(event)
        elif isinstance(event, events.PingAckReceived):
            self._ping_unanswered = False

    def _on_response(self, event: events.ResponseReceived) -> None:
        flight = self._flights.get(event.stream_id)
        if flight is not None:
            headers = {_text(key): _text(value) for key, value in event.headers}
            status = headers.pop(":status", "")
            flight.status = int(status) if STATUS.fullmatch(status) else 0
            flight.headers = headers

    def _on_data(self, event: events.DataReceived) -> None:
        self.conn.acknowledge_received_data(
            event.flow_controlled_length, event.stream_id
        )
        flight = self._flights.get(event.stream_id)
        if flight is not None and len(flight.body) < 65_536:
            flight.body += event.data

    def _on_end(self, stream_id: int) -> None:
        flight = self._flights.get(stream_id)
        if flight is not None and not flight.answered.done():
            flight.answered.set_result(flight)

    def _on_reset(self, event: events.StreamReset) -> None:
        if event.error_code == ErrorCodes.REFUSED_STREAM:
            self._fail(event.stream_id, NotProcessed("APNs refused the stream"))
        else:
            self._fail(
                event.stream_id, Lost(f"APNs reset the stream ({event.error_code})")
            )

    def _on_goaway(self, event: events.ConnectionTerminated) -> None:
        for stream_id in list(self._flights):
            if stream_id > (event.last_stream_id or 0):
                self._fail(stream_id, NotProcessed("APNs is closing this connection"))
        self._leave()

    def _leave(self) -> None:
        """Take no new push; close when those on their way have their answers."""
        self._is_leaving = True
        self._leave_pool()
        self._changed.set()
        if not self._flights:
            self.close()

    def _ping(self) -> None:
        if self._ping_unanswered:
            self._fail_all(Lost("the connection went silent"))
            self.transport.abort()
            return
        self._ping_unanswered = True
        self.conn.ping(b"pushdash")
        self.flush()
        self._ping_timer = self.loop.call_later(PING_SECONDS, self._ping)

    # The end

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_lost = True
        for timer in (self.inactivity_timer, self._ping_timer):
            if timer is not None:
                timer.cancel()
        self._leave_pool()
        self._fail_all(Lost(f"the connection was lost: {exc or 'closed by APNs'}"))
        self._changed.set()

    def _leave_pool(self) -> None:
        if self.on_connection_lost is not None:
            leave, self.on_connection_lost = self.on_connection_lost, None
            try:
                leave(self)
            except ValueError:
                return  # lost before the pool had listed it

    def _fail_all(self, error: Exception) -> None:
        for stream_id in list(self._flights):
            self._fail(stream_id, error)

    def _fail(self, stream_id: int, error: Exception) -> None:
        flight = self._flights.get(stream_id)
        if flight is not None and not flight.answered.done():
            flight.answered.set_exception(error)


def _is_given_up(flight: Flight) -> bool:
    """Nobody waits any more, and no answer has come: a deadline cancels the future."""
    return flight.answered.cancelled() or not flight.answered.done()


def _text(value: bytes | str) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
