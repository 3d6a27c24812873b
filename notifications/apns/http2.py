"""jh2's connection with some corrections and a short way out for requests. jh2 is h2 with its
header compression in Rust.
"""

from __future__ import annotations

import struct

from jh2 import events
from jh2.config import H2Configuration
from jh2.connection import AllowedStreamIDs, ConnectionInputs, H2Connection
from jh2.errors import ErrorCodes
from jh2.exceptions import ProtocolError, StreamClosedError
from jh2.hyperframe.frame import DataFrame, HeadersFrame, RstStreamFrame
from jh2.settings import SettingCodes, Settings
from jh2.stream import StreamInputs, StreamState

#: How many requests may pass before ended streams are swept.
SWEEP_EVERY = 256
#: Frame types and flags (RFC 9113 §6), and the nine bytes before a frame.
DATA, HEADERS, CONTINUATION = 0x0, 0x1, 0x9
END_STREAM, END_HEADERS = 0x1, 0x4
#: Frames of an answer: what a stream's state forbids of them harms no other stream.
OF_ANSWERS = (HeadersFrame, DataFrame)
HEAD = struct.Struct(">BHBBL").pack

#: Name, value, and whether it stays out of the header table (RFC 7541 §7.1.3).
Header = tuple[bytes, bytes, bool]


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
        self.seen: list[events.Event] = []
        #: Whole frames received.
        self.frames = self._begun = 0

    def begin(self, headers: list[Header]) -> int:
        """HEADERS of a request, DATA to follow; its stream's id.

        What `send_headers` does for it, without an object a frame and a check a header.
        Raises ProtocolError, NoAvailableStreamIDError among them.
        """
        stream_id = self.get_next_available_stream_id()
        self.state_machine.process_input(ConnectionInputs.SEND_HEADERS)
        self._sweep()
        machine = self._begin_new_stream(stream_id, AllowedStreamIDs.ODD).state_machine
        machine.state, machine.client = StreamState.OPEN, True
        machine.headers_sent = True
        block, limit = self.encoder.encode(headers), self.max_outbound_frame_size
        pieces = [block[at : at + limit] for at in range(0, len(block), limit)]
        for piece in pieces:
            kind = HEADERS if piece is pieces[0] else CONTINUATION
            flags = END_HEADERS if piece is pieces[-1] else 0
            self._frame(kind, flags, stream_id, piece)
        return stream_id

    def send_piece(self, stream_id: int, piece: bytes, *, is_last: bool) -> None:
        """DATA of a request. The caller keeps to the windows and to the largest frame."""
        stream, size = self.streams[stream_id], len(piece)
        stream.outbound_flow_control_window -= size
        self.outbound_flow_control_window -= size
        if is_last:
            stream.state_machine.process_input(StreamInputs.SEND_END_STREAM)
        self._frame(DATA, END_STREAM if is_last else 0, stream_id, piece)

    def _frame(self, kind: int, flags: int, stream_id: int, content: bytes) -> None:
        """RFC 9113 §4.1"""
        self._data_to_send += HEAD(
            len(content) >> 16, len(content) & 0xFFFF, kind, flags, stream_id
        )
        self._data_to_send += content

    def _sweep(self) -> None:
        self._begun += 1
        if self._begun % SWEEP_EVERY == 0:
            self._open_streams(1)

    def _begin_new_stream(self, stream_id, allowed_ids):
        stream = super()._begin_new_stream(stream_id, allowed_ids)
        # A content-length that does not fit is the fault of one answer, which ends with
        # its stream: jh2 would end the connection and every push on it.
        stream._initialize_content_length = _expect_any_length
        return stream

    def _receive_frame(self, frame):
        self.frames += 1
        try:
            found = super()._receive_frame(frame)
        except StreamClosedError:
            found = []  # an answer that comes twice: the first counts
        except ProtocolError:
            stream = self.streams.get(frame.stream_id)
            if type(frame) not in OF_ANSWERS or stream is None or not stream.closed:
                raise
            found = [self._cut(frame.stream_id)]
        self.seen += found
        return found

    def _cut(self, stream_id: int) -> events.StreamReset:
        """An answer that breaks HTTP/2 is the fault of one stream, which ends with it."""
        reset = RstStreamFrame(stream_id, error_code=ErrorCodes.PROTOCOL_ERROR)
        self._prepare_for_sending([reset])
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
