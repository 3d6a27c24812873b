"""h2's connection with one correction."""

from __future__ import annotations

from h2 import events
from h2.connection import H2Connection


class Http2(H2Connection):
    """h2, but a GOAWAY leaves earlier streams to be answered, as RFC 9113 §6.8 has it."""

    def _receive_goaway_frame(self, frame):
        event = events.ConnectionTerminated()
        event.error_code = frame.error_code
        event.last_stream_id = frame.last_stream_id
        event.additional_data = frame.additional_data or None
        return [], [event]
