"""One HTTP/2 conversation with APNs, without a socket: bytes in, endings out.

Every request ends exactly once: with APNs' answer, as NotProcessed (surely not taken: it may
be sent again) or as Lost (nobody knows). `now` is a monotonic clock in seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from jh2 import events
from jh2.errors import ErrorCodes
from jh2.exceptions import ProtocolError

from .answer import reason_in
from .errors import ApnsError, Lost, NotProcessed
from .http2 import Answered, Header, Http2
from .stream import Answer, Ending, Stream

#: Streams we open at most, whatever the server allows.
MOST_STREAMS = 1000
#: Nothing heard for so long: ask, when pushes wait for an answer and when none does.
QUIET_BUSY_SECONDS, QUIET_IDLE_SECONDS = 3.0, 30.0
PING_ANSWER_SECONDS = 5.0
#: A server that has not sent its SETTINGS by then never will.
SETTINGS_SECONDS = 5.0
#: An unanswered PING this old makes new pushes look for another connection.
DOUBT_SECONDS = 1.0
#: Nothing heard for so long while idle: a push begins only once a PING was answered, for what
#: leaves on a dead connection is lost.
STALE_SECONDS = 10.0
#: How long the first push may hold up the others, where SETTINGS allow more than one.
PROBATION_SECONDS = 1.0
MOST_BODY_BYTES = 65_536
STATUS = re.compile(r"[1-5][0-9]{2}")


class Exchange:
    """The client's side of one connection."""

    def __init__(self, now: float, *, by_token: bool = True) -> None:
        """`by_token`: Apple allows one stream until a provider token was accepted."""
        self._http2 = Http2()
        self._http2.initiate_connection()
        self._streams: dict[int, Stream] = {}
        self._held_back: list[int] = []
        self._began_at, self._heard_at, self._pinged_at = now, now, None
        self._answered_at = now
        self._by_token, self._is_trusted = by_token, not by_token
        self._is_ready = self._is_leaving = False
        #: What SETTINGS allow; looking it up there for each push costs.
        self._allowed = MOST_STREAMS

    # What can be asked

    def __len__(self) -> int:
        return len(self._streams)

    @property
    def is_leaving(self) -> bool:
        """It takes no new request: GOAWAY, broken, silent, or out of streams."""
        return self._is_leaving

    def is_doubtful(self, now: float) -> bool:
        """A PING waits for its answer longer than a healthy server takes."""
        return self._pinged_at is not None and now - self._pinged_at > DOUBT_SECONDS

    def has_room(self, now: float) -> bool:
        """A request may begin now: SETTINGS were seen, a stream and the window are free."""
        return (
            self._is_ready
            and not self._is_leaving
            and not self._held_back
            and len(self._streams) < self._most_streams(now)
            and self._http2.outbound_flow_control_window > 0
        )

    def is_stale(self, now: float) -> bool:
        """Idle and quiet for so long that nobody knows whether the server still listens."""
        return not self._streams and now - self._heard_at >= STALE_SECONDS

    def data_to_send(self) -> bytes:
        """What must go to the socket."""
        return self._http2.data_to_send()

    # What we do

    def request(
        self, headers: list[Header], body: bytes, now: float
    ) -> tuple[int, Stream]:
        """Begin a request. Raises NotProcessed when this connection cannot carry it."""
        try:
            stream_id = self._http2.begin(headers)
        except ProtocolError as error:  # 2^30 were used, RFC 9113 §5.1.1, or it is over
            self._is_leaving = True
            raise NotProcessed(f"the connection takes no request: {error}") from error
        stream = self._streams[stream_id] = Stream(body, now)
        self._let_out(stream_id, stream)
        return stream_id, stream

    def ask(self, now: float) -> None:
        """Ask the server whether it still listens, unless it is being asked."""
        if self._is_ready and self._pinged_at is None and not self._is_leaving:
            self._http2.ping(b"pushdash")
            self._pinged_at = now

    def abandon(self, stream_id: int, now: float) -> None:
        """Nobody waits for this answer any more: tell the server, free the stream."""
        stream = self._streams.pop(stream_id, None)
        if stream is not None:
            self._drop_rest(stream_id)
            self._reset(stream_id)
            self.give_up(stream.began_at, now)

    def give_up(self, since: float, now: float) -> None:
        """A push waited in vain, for its answer or for room. A connection that answers
        none for so long takes no other.
        """
        is_silent = now - max(since, self._answered_at) >= QUIET_BUSY_SECONDS
        self._is_leaving |= is_silent

    def receive(self, data: bytes, now: float) -> list[Ending]:
        """Take bytes of the socket in; say what ended by them."""
        broken, frames = None, self._http2.frames
        try:
            self._http2.receive_data(data)
        except ProtocolError as error:
            broken = Lost(f"APNs broke HTTP/2: {error}")
        if (
            self._http2.frames > frames
        ):  # pieces of one that never ends are no sign of life
            self._heard_at, self._pinged_at = now, None
        seen, self._http2.seen = self._http2.seen, []
        endings = [ending for event in seen for ending in self._on(event)]
        if any(isinstance(ending, Answer) for _, ending in endings):
            self._answered_at = now
        if broken is not None:
            return endings + self.end(broken)
        self._let_all_out()
        return endings

    def tick(self, now: float) -> list[Ending]:
        """Call about each second: asks a quiet server, gives a silent one up."""
        if not self._is_ready and now - self._began_at >= SETTINGS_SECONDS:
            return self.end(Lost("APNs sent no SETTINGS"))
        if self._pinged_at is None:
            patience = QUIET_BUSY_SECONDS if self._streams else QUIET_IDLE_SECONDS
            if now - self._heard_at >= patience:
                self.ask(now)
        elif now - self._pinged_at >= self._patience():
            return self.end(Lost("the connection went silent"))
        return []

    def end(self, error: Lost) -> list[Ending]:
        """The connection is over: how everything under way ended. Nothing more leaves."""
        self._is_leaving = True
        self._http2.clear_outbound_data_buffer()
        return [self._cut(stream_id, error) for stream_id in list(self._streams)]

    def _patience(self) -> float:
        """For the answer to a PING: nothing is lost with a connection that is idle."""
        return PING_ANSWER_SECONDS if self._streams else DOUBT_SECONDS

    # Sending

    def _most_streams(self, now: float) -> int:
        allowed = self._allowed
        return allowed if self._is_trusted_at(now) else min(allowed, 1)

    def _is_trusted_at(self, now: float) -> bool:
        if self._is_trusted or not self._streams:
            return self._is_trusted
        first = next(iter(self._streams.values()))
        return now - first.began_at > PROBATION_SECONDS

    def _let_out(self, stream_id: int, stream: Stream) -> None:
        """As much of the body as both windows take; the rest waits for WINDOW_UPDATE."""
        window = self._http2.local_flow_control_window(stream_id)
        limit = self._http2.max_outbound_frame_size
        while not stream.is_whole and (window > 0 or not stream.rest):
            piece = stream.rest[: min(window, limit)]
            stream.rest = stream.rest[len(piece) :]
            stream.is_whole = not stream.rest
            self._http2.send_piece(stream_id, piece, is_last=stream.is_whole)
            window -= len(piece)
        if not stream.is_whole and stream_id not in self._held_back:
            self._held_back.append(stream_id)

    def _let_all_out(self) -> None:
        for stream_id in list(self._held_back):
            stream = self._streams[stream_id]
            self._let_out(stream_id, stream)
            if stream.is_whole:
                self._held_back.remove(stream_id)

    def _reset(self, stream_id: int) -> None:
        try:
            self._http2.reset_stream(stream_id, ErrorCodes.CANCEL)
        except ProtocolError:
            return  # the stream ended meanwhile: there is nothing to give back

    def _drop_rest(self, stream_id: int) -> None:
        if stream_id in self._held_back:
            self._held_back.remove(stream_id)

    # Receiving

    def _on(self, event: events.Event) -> list[Ending]:
        act = ACTS.get(type(event))
        return [] if act is None else act(self, event)

    def _on_settings(self, event: events.RemoteSettingsChanged) -> list[Ending]:
        self._is_ready = True
        said = self._http2.remote_settings.max_concurrent_streams
        self._allowed = min(said, MOST_STREAMS)
        return []

    def _on_response(self, event: events.ResponseReceived) -> list[Ending]:
        stream = self._streams.get(event.stream_id)
        if stream is not None:
            _note_headers(stream, event.headers)
        return []

    def _on_answer(self, event: Answered) -> list[Ending]:
        self._on_response(event)
        return self._on_end(event)

    def _on_data(self, event: events.DataReceived) -> list[Ending]:
        # Also of streams given up: their bytes count in the connection's window.
        size = event.flow_controlled_length
        self._http2.acknowledge_received_data(size, event.stream_id)
        stream = self._streams.get(event.stream_id)
        if stream is not None and len(stream.body) < MOST_BODY_BYTES:
            stream.body += event.data
        return []

    def _on_end(self, event: events.StreamEnded) -> list[Ending]:
        stream = self._streams.get(event.stream_id)
        if stream is None:
            return []
        if not stream.is_whole:  # answered before it had read the body
            self._reset(event.stream_id)
        return [self._cut(event.stream_id, Lost("APNs answered without a status"))]

    def _on_reset(self, event: events.StreamReset) -> list[Ending]:
        if event.stream_id not in self._streams:
            return []
        if event.error_code == ErrorCodes.REFUSED_STREAM:
            return [self._cut(event.stream_id, NotProcessed("APNs refused the stream"))]
        code = int(event.error_code)
        return [self._cut(event.stream_id, Lost(f"APNs reset the stream ({code})"))]

    def _on_goaway(self, event: events.ConnectionTerminated) -> list[Ending]:
        self._is_leaving = True
        # Its payload may be JSON with a reason (Apple, "Handling notification responses").
        why = reason_in(event.additional_data or b"")
        told = "APNs is closing this connection" + (f": {why}" if why else "")
        error = NotProcessed(told)
        above = [one for one in self._streams if one > (event.last_stream_id or 0)]
        return [self._cut(stream_id, error) for stream_id in above]

    def _cut(self, stream_id: int, error: ApnsError) -> Ending:
        """How a stream ends here: by its answer, if its status came."""
        stream = self._streams.pop(stream_id)
        self._drop_rest(stream_id)
        answer = stream.answer()
        if answer is not None:
            # 403 is about the provider token: APNs then falls back to one stream.
            self._is_trusted = not self._by_token or answer.status != 403
            return stream_id, answer
        if not stream.is_whole:
            # APNs never had the whole request.
            return stream_id, NotProcessed(f"cut short: {error}")
        return stream_id, error


def _note_headers(stream: Stream, headers: Iterable[Sequence[bytes]]) -> None:
    """Each a name and a value, and perhaps something more."""
    said = {str(one[0], "latin-1").lower(): str(one[1], "latin-1") for one in headers}
    status = said.pop(":status", "")
    stream.status = int(status) if STATUS.fullmatch(status) else 0
    stream.headers = said


ACTS = {
    Answered: Exchange._on_answer,
    events.RemoteSettingsChanged: Exchange._on_settings,
    events.ResponseReceived: Exchange._on_response,
    events.DataReceived: Exchange._on_data,
    events.StreamEnded: Exchange._on_end,
    events.StreamReset: Exchange._on_reset,
    events.ConnectionTerminated: Exchange._on_goaway,
}
