"""jh2's connection with some corrections. jh2 is h2 with its header compression in Rust."""

from __future__ import annotations

from jh2 import events
from jh2.config import H2Configuration
from jh2.connection import H2Connection
from jh2.settings import SettingCodes, Settings

#: How many requests may pass before ended streams are swept.
SWEEP_EVERY = 256


class Http2(H2Connection):
    """GOAWAY leaves earlier streams to be answered (RFC 9113 §6.8), and `seen` keeps the
    events that came before a frame that breaks HTTP/2: those answers are true.
    `Exchange` counts the open streams itself: jh2 would count them all for each request.
    """

    def __init__(self) -> None:
        # Our headers are checked by ApnsPush; a strange header of an answer is no reason
        # to lose every push in flight.
        super().__init__(
            H2Configuration(
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
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

    def _begin_new_stream(self, stream_id, allowed_ids):
        stream = super()._begin_new_stream(stream_id, allowed_ids)
        # A content-length that does not fit is the fault of one answer, which ends with
        # its stream: jh2 would end the connection and every push on it.
        stream._initialize_content_length = _expect_any_length
        return stream

    @property
    def open_outbound_streams(self) -> int:
        self._begun += 1
        return 0 if self._begun % SWEEP_EVERY else self._open_streams(1)

    def _receive_frame(self, frame):
        self.frames += 1
        found = super()._receive_frame(frame)
        self.seen += found
        return found

    def _receive_goaway_frame(self, frame):
        event = events.ConnectionTerminated()
        event.error_code = frame.error_code
        event.last_stream_id = frame.last_stream_id
        event.additional_data = frame.additional_data or None
        return [], [event]


def _expect_any_length(headers: list) -> None:
    return
