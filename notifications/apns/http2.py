"""jh2's connection with some corrections, a short way out for requests and a short way in for
answers. jh2 is h2 with its header compression in Rust.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from jh2 import events
from jh2.config import H2Configuration
from jh2.connection import ConnectionInputs, ConnectionState, H2Connection
from jh2.errors import ErrorCodes
from jh2.exceptions import FrameTooLargeError, ProtocolError, StreamClosedError
from jh2.hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    HeadersFrame,
    RstStreamFrame,
)
from jh2.settings import SettingCodes, Settings
from jh2.stream import H2Stream, StreamClosedBy, StreamInputs, StreamState

#: How many requests may pass before ended streams are swept.
SWEEP_EVERY = 256
#: Frame types and flags (RFC 9113 §6), and the nine bytes before a frame.
DATA, HEADERS, RST_STREAM, CONTINUATION = 0x0, 0x1, 0x3, 0x9
END_STREAM, END_HEADERS = 0x1, 0x4
WHOLE = END_STREAM | END_HEADERS
OPEN = ConnectionState.CLIENT_OPEN
#: Frames of an answer: what a stream's state forbids of them harms no other stream.
OF_ANSWERS = (HeadersFrame, DataFrame)
HEAD = struct.Struct(">BHBBL")
#: Amid what jh2 raises for a frame that its stream's state forbids.
FORBIDDEN = (KeyError, type(None))
#: How jh2's decoder, in Rust, fails with some blocks: by what is no Exception.
PANIC = "index out of bounds"

#: Name, value, and whether it stays out of the header table (RFC 7541 §7.1.3).
Header = tuple[bytes, bytes, bool]


@dataclass(slots=True)
class Answered:
    """A whole answer without a body, as APNs gives for nearly every push."""

    stream_id: int
    headers: list[Header]


class Http2(H2Connection):
    """GOAWAY leaves earlier streams to be answered (RFC 9113 §6.8), and `seen` keeps the
    events that came before a frame that breaks HTTP/2: those answers are true.
    `Exchange` counts the open streams itself: jh2 would count them all for each request.
    """

    #: Ended streams that are remembered: seconds of them, not 8 MB a connection.
    MAX_CLOSED_STREAMS = 2**14

    def __init__(self) -> None:
        # Our headers are checked by ApnsPush; a strange header of an answer is no reason
        # to lose every push in flight.
        super().__init__(
            H2Configuration(
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
                normalize_inbound_headers=False,
                validate_inbound_headers=False,
            )
        )
        # Apple pushes nothing to us (RFC 9113 §8.4).
        self.local_settings = Settings(
            client=True,
            initial_values={
                SettingCodes.ENABLE_PUSH: 0,
                SettingCodes.MAX_HEADER_LIST_SIZE: self.DEFAULT_MAX_HEADER_LIST_SIZE,
            },
        )
        self.seen: list[events.Event | Answered] = []
        #: Whole frames received.
        self.frames = self._begun = 0
        self._piece = b""

    def begin(self, headers: list[Header]) -> int:
        """HEADERS of a request, DATA to follow; its stream's id.

        What `send_headers` does for it, without an object a frame and a check a header.
        Raises ProtocolError, NoAvailableStreamIDError among them.
        """
        stream_id = self.get_next_available_stream_id()
        self.state_machine.process_input(ConnectionInputs.SEND_HEADERS)
        self._sweep()
        self._open(stream_id)
        block, limit = self.encoder.encode(headers), self.max_outbound_frame_size
        first, rest = block[:limit], block[limit:]
        self._frame(HEADERS, 0 if rest else END_HEADERS, stream_id, first)
        while rest:
            piece, rest = rest[:limit], rest[limit:]
            self._frame(CONTINUATION, 0 if rest else END_HEADERS, stream_id, piece)
        return stream_id

    def send_piece(self, stream_id: int, piece: bytes, *, is_last: bool) -> None:
        """DATA of a request. The caller keeps to the windows and to the largest frame."""
        stream, size = self.streams[stream_id], len(piece)
        stream.outbound_flow_control_window -= size
        self.outbound_flow_control_window -= size
        machine = stream.state_machine
        if is_last and machine.state is StreamState.OPEN:
            machine.state = StreamState.HALF_CLOSED_LOCAL
        elif is_last:
            machine.process_input(StreamInputs.SEND_END_STREAM)
        self._frame(DATA, END_STREAM if is_last else 0, stream_id, piece)

    def _frame(self, kind: int, flags: int, stream_id: int, content: bytes) -> None:
        """RFC 9113 §4.1"""
        self._data_to_send += HEAD.pack(
            len(content) >> 16, len(content) & 0xFFFF, kind, flags, stream_id
        )
        self._data_to_send += content

    def _sweep(self) -> None:
        self._begun += 1
        if self._begun % SWEEP_EVERY == 0:
            self._open_streams(1)

    def _open(self, stream_id: int) -> None:
        """What jh2's `_begin_new_stream` and the sending of HEADERS do."""
        stream = self.streams[stream_id] = H2Stream(
            stream_id,
            self.config,
            self.local_settings.initial_window_size,
            self.remote_settings.initial_window_size,
        )
        self.highest_outbound_stream_id = stream_id
        stream.max_inbound_frame_size = self.max_inbound_frame_size
        stream.max_outbound_frame_size = self.max_outbound_frame_size
        # A content-length that does not fit is the fault of one answer, which ends with
        # its stream: jh2 would end the connection and every push on it.
        stream._initialize_content_length = _expect_any_length
        machine = stream.state_machine
        machine.state, machine.client = StreamState.OPEN, True
        machine.headers_sent = True

    def receive_data(self, data: bytes) -> None:
        """Take in bytes of the socket: what they say is in `seen`. Raises ProtocolError.

        Whole answers are read here, all other frames by jh2, one by one.
        """
        data, at = self._piece + data, 0
        while len(data) - at >= HEAD.size:
            high, low, kind, flags, stream_id = HEAD.unpack_from(data, at)
            start, size = at + HEAD.size, high << 16 | low
            if size > self.max_inbound_frame_size:
                self._terminate_connection(ErrorCodes.FRAME_SIZE_ERROR)
                raise FrameTooLargeError(f"a frame of {size} bytes")
            end = start + size
            if end > len(data):
                break
            if not self._is_plain(kind, flags, stream_id, size):
                super().receive_data(data[at:end])
            elif kind == HEADERS:
                self._answered(stream_id, data[start:end])
            at = end
        self._piece = data[at:]

    def _is_plain(self, kind: int, flags: int, stream_id: int, size: int) -> bool:
        """A whole answer to a whole request; or RST_STREAM behind one, which a server
        sends that does not read the body (RFC 9113 §8.1).
        """
        if self.incoming_buffer._headers_buffer or self.state_machine.state is not OPEN:
            return False
        if kind == HEADERS and flags == WHOLE and stream_id in self.streams:
            machine = self.streams[stream_id].state_machine
            is_whole = machine.state is StreamState.HALF_CLOSED_LOCAL
            return is_whole and not machine.headers_received
        return kind == RST_STREAM and size == 4 and stream_id in self._closed_streams

    def _answered(self, stream_id: int, block: bytes) -> None:
        self.frames += 1
        try:
            headers = self.decoder.decode(block, raw=True)
        except BaseException as error:
            if not isinstance(error, Exception) and PANIC not in str(error):
                raise
            self._terminate_connection(ErrorCodes.COMPRESSION_ERROR)
            raise ProtocolError(f"headers that are no HPACK: {error}") from error
        del self.streams[stream_id]
        self._closed_streams[stream_id] = StreamClosedBy.RECV_END_STREAM
        if headers and headers[0][1][:1] == b"1":  # no informational answer ends
            self.seen.append(self._cut(stream_id))
        else:
            self.seen.append(Answered(stream_id, headers))

    def _receive_frame(self, frame):
        self.frames += 1
        if type(frame) is ContinuationFrame:
            # Behind no HEADERS, RFC 9113 §6.10: its part of the header table is lost.
            self._terminate_connection(ErrorCodes.PROTOCOL_ERROR)
            raise ProtocolError("CONTINUATION behind no HEADERS")
        try:
            found = super()._receive_frame(frame)
        except StreamClosedError:
            found = []  # an answer that comes twice: the first counts
        except ProtocolError as error:
            stream = self.streams.get(frame.stream_id)
            if type(frame) not in OF_ANSWERS or stream is None or not stream.closed:
                raise
            if not isinstance(error.__context__, FORBIDDEN):
                raise  # HPACK's: the header table is in doubt, and every later answer
            found = [self._cut(frame.stream_id)]
        self.seen += found
        return found

    def _cut(self, stream_id: int) -> events.StreamReset:
        """An answer that breaks HTTP/2 is the fault of one stream, which ends with it."""
        reset = RstStreamFrame(stream_id, error_code=ErrorCodes.PROTOCOL_ERROR)
        self._prepare_for_sending([reset])
        # What comes for it later is ignored, RFC 9113 §5.1.
        self.streams.pop(stream_id, None)
        self._closed_streams[stream_id] = StreamClosedBy.SEND_RST_STREAM
        event = events.StreamReset()
        event.stream_id, event.error_code = stream_id, ErrorCodes.PROTOCOL_ERROR
        return event

    def _receive_goaway_frame(self, frame):
        event = events.ConnectionTerminated()
        event.error_code = frame.error_code
        event.last_stream_id = frame.last_stream_id
        event.additional_data = frame.additional_data or None
        return [], [event]


def _expect_any_length(headers: list) -> None:
    return
