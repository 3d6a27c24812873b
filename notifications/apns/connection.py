"""Our protocol class for aioapns, through its own seam `pool.protocol_class`: an `Exchange`
on an asyncio transport. Nothing is ever sent a second time from here, and no future is left
pending when the connection goes.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from aioapns.connection import APNsTLSClientProtocol

from .departures import Departure, tell
from .errors import Lost, NotProcessed
from .exchange import Exchange
from .http2 import Header
from .stream import Answer, Ending, Stream
from .tls import write

TICK_SECONDS = 0.5
#: A server that does not read for so long is as good as silent.
DEAF_SECONDS = 5.0


@dataclass(slots=True)
class Flight:
    """One request, then under way as `stream`. `headers` is called when it begins, the
    `departure` told just before its first byte goes to the socket.
    """

    headers: Callable[[], list[Header]]
    body: bytes
    departure: Departure
    came_at: float = 0.0
    ended: asyncio.Future[Answer] | None = None
    stream_id: int = 0
    stream: Stream | None = None
    has_left: bool = False

    @property
    def departed(self) -> bool:
        """The whole request was handed to the socket: APNs may have it."""
        return self.has_left and self.stream.is_whole


class Connection(APNsTLSClientProtocol):
    """One HTTP/2 connection to APNs. Sub-classed per server by `client`."""

    #: False with a client certificate: the one-stream rule is for provider tokens.
    BY_TOKEN = True

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self._exchange = Exchange(time.monotonic(), by_token=self.BY_TOKEN)
        self._waiting: deque[Flight] = deque()
        self._leaving: list[Flight] = []
        self._flights: dict[int, Flight] = {}
        self._is_flushing = self._is_lost = self._was_closing = False
        self._stuffed_at: float | None = None
        self.has_answered, self._end = False, "the connection closed"
        self._timer: asyncio.TimerHandle | None = None
        self.gone = asyncio.Event()

    # What the client asks

    def __len__(self) -> int:
        """Pushes this connection has in hand, waiting ones too."""
        return len(self._flights) + len(self._waiting)

    @property
    def is_over(self) -> bool:
        """It takes no new push."""
        return self._is_lost or self._exchange.is_leaving or self.transport.is_closing()

    @property
    def is_busy(self) -> bool:
        """A push would have to wait here, or had better go elsewhere."""
        now = time.monotonic()
        # Those that wait for the answer to a PING leave together; no dial is quicker.
        is_queue = bool(self._waiting) and not self._exchange.is_stale(now)
        is_full = is_queue or not self._has_room(now)
        return is_full or self.is_over or self._exchange.is_doubtful(now)

    async def send(self, flight: Flight) -> Answer:
        """Send one request and wait for its answer.

        Raises NotProcessed or Lost. May be cancelled at any time: `flight.departed` then
        tells whether it had left.
        """
        flight.came_at, flight.ended = time.monotonic(), self.loop.create_future()
        self._waiting.append(flight)
        self._admit()
        try:
            return await flight.ended
        finally:
            self._forget(flight)

    def _admit(self) -> None:
        """Begin waiting requests, first come first served, while there is room."""
        now = time.monotonic()
        if self._waiting and self._exchange.is_stale(now):
            self._exchange.ask(now)
        while self._waiting and ((is_over := self.is_over) or self._may_begin(now)):
            flight = self._waiting.popleft()
            if flight.ended.done():
                continue  # its deadline passed while it waited
            try:
                self._begin(flight, now, is_over)
            except NotProcessed as error:
                flight.ended.set_exception(error)
        self._flush_soon()

    def _has_room(self, now: float) -> bool:
        return self._stuffed_at is None and self._exchange.has_room(now)

    def _may_begin(self, now: float) -> bool:
        return self._has_room(now) and not self._exchange.is_stale(now)

    def _begin(self, flight: Flight, now: float, is_over: bool) -> None:
        if is_over:
            raise NotProcessed(f"before the push was sent, {self._end}")
        flight.stream_id, flight.stream = self._exchange.request(
            flight.headers(), flight.body, now
        )
        self._flights[flight.stream_id] = flight
        self._leaving.append(flight)

    def _forget(self, flight: Flight) -> None:
        if self._flights.pop(flight.stream_id, None) is not None and not self._is_lost:
            self._exchange.abandon(flight.stream_id, time.monotonic())
            self._admit()
        elif flight.stream is None:
            self._exchange.give_up(flight.came_at, time.monotonic())
        self._close_when_done()

    # Bytes

    def _flush_soon(self) -> None:
        """One write for all that a turn of the loop brings."""
        if not self._is_flushing:
            self._is_flushing = True
            self.loop.call_soon(self.flush)

    def flush(self) -> None:
        self._is_flushing = False
        data = self._exchange.data_to_send()
        if not data or self._is_lost:
            return
        leaving, self._leaving = self._leaving, []
        # As late as can be: what is noted and not written yet would be `unknown` for nothing.
        try:
            tell(flight.departure for flight in leaving)
        except OSError:
            self.transport.abort()  # these bytes are not sent: none may follow them
            raise
        if write(self.transport, data):
            for flight in leaving:
                flight.has_left = True

    def pause_writing(self) -> None:
        """The server does not read: what begins now would wait in our own memory."""
        self._stuffed_at = time.monotonic()

    def resume_writing(self) -> None:
        self._stuffed_at = None
        self._admit()

    def connection_made(self, transport) -> None:
        self.transport = transport
        self.flush()
        self._timer = self.loop.call_later(TICK_SECONDS, self._tick)

    def data_received(self, data: bytes) -> None:
        self._settle(self._exchange.receive(data, time.monotonic()))
        self._admit()
        self._close_when_done()

    def _tick(self) -> None:
        self._timer = self.loop.call_later(TICK_SECONDS, self._tick)
        now = time.monotonic()
        self._settle(self._exchange.tick(now))
        if self._stuffed_at is not None and now - self._stuffed_at >= DEAF_SECONDS:
            self._settle(self._exchange.end(Lost("APNs does not read")))
        if self._waiting:
            self._exchange.give_up(self._waiting[0].came_at, now)
        self._admit()
        self._close_when_done()
        if self._was_closing:
            self.transport.abort()  # the other side does not say goodbye
        self._was_closing = self.transport.is_closing()

    def _settle(self, endings: list[Ending]) -> None:
        """Tell how these ended: first goes out what is about to, or it could leave after
        its end was told.
        """
        try:
            if endings:
                self.flush()
        finally:
            for stream_id, ending in endings:
                self.has_answered |= isinstance(ending, Answer)
                flight = self._flights.pop(stream_id, None)
                if flight is not None and not flight.ended.done():
                    self._tell(flight, ending)

    def _tell(self, flight: Flight, ending: Answer | NotProcessed | Lost) -> None:
        if isinstance(ending, Answer):
            flight.ended.set_result(ending)
        elif not flight.has_left:
            flight.ended.set_exception(NotProcessed(f"before it left: {ending}"))
        else:
            flight.ended.set_exception(ending)

    # The end

    def _close_when_done(self) -> None:
        if self._exchange.is_leaving and not self._flights and not self._is_lost:
            self.flush()
            self.close()

    def close(self) -> None:
        """Close now; what is under way ends as Lost, what waits as NotProcessed."""
        if not self.transport.is_closing():  # closed twice, asyncio could not abort it
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_lost = True
        if self._timer is not None:
            self._timer.cancel()
        self._end = f"the connection was lost: {exc or 'closed by APNs'}"
        self._settle(self._exchange.end(Lost(self._end)))
        self._admit()
        self.gone.set()
