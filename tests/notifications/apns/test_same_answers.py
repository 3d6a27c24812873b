"""Whatever frames a server sends: what `http2` reads by itself says the same as jh2 does."""

from __future__ import annotations

import pytest
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st

from notifications.apns.http2 import Http2
from tests.notifications.apns.test_exchange import Talk

#: 1 to 9 are our requests, 11 was never begun, 2 is no stream of ours.
STREAMS = st.sampled_from([1, 3, 5, 7, 9, 11, 2])
#: `:status` 200 and 404 of the static table, 410 as a literal, a header that comes to stand
#: in the dynamic table, that header by its index, an index of nothing.
BLOCKS = st.sampled_from(
    [b"\x88", b"\x8d", b"\x08\x03410", b"\x88\x40\x01a\x01b"]
    + [b"\x88\xbe", b"\x88\xbf", b"", b"\x40\x01a\x01b"]
)
EARLY = b"\x08\x03103"
FLAGS = st.sampled_from(
    [["END_HEADERS", "END_STREAM"]] * 4 + [["END_HEADERS"], ["END_STREAM"], []]
)
#: One that ends is a stream's fault for us (RFC 9113 §8.1.1), the connection's for jh2.
HINT = st.builds(lambda i: HeadersFrame(i, EARLY, flags=["END_HEADERS"]), STREAMS)
CODES = st.sampled_from([0, 7, 8])
FRAMES = st.one_of(
    HINT,
    st.builds(lambda i, b, f: HeadersFrame(i, b, flags=f), STREAMS, BLOCKS, FLAGS),
    st.builds(lambda i, b, f: HeadersFrame(i, b, flags=f), STREAMS, BLOCKS, FLAGS),
    st.builds(
        lambda i, f: DataFrame(i, b'{"reason":"Shutdown"}', flags=f),
        STREAMS,
        st.sampled_from([["END_STREAM"], []]),
    ),
    st.builds(lambda i, code: RstStreamFrame(i, error_code=code), STREAMS, CODES),
    st.builds(
        lambda i, b: ContinuationFrame(i, b, flags=["END_HEADERS"]), STREAMS, BLOCKS
    ),
    st.builds(lambda i: WindowUpdateFrame(i, window_increment=9), STREAMS),
    st.just(WindowUpdateFrame(0, window_increment=9)),
    st.just(PingFrame(0, opaque_data=b"12345678")),
    st.just(SettingsFrame(0, settings={3: 2})),
    st.builds(lambda last: GoAwayFrame(0, last_stream_id=last), STREAMS),
)


def told(data: bytes, size: int) -> tuple[list, bool]:
    """How five pushes end when the server sends this in pieces, and whether it is left."""
    talk = Talk().shake_hands()
    for _ in range(5):
        talk.push()
    talk.exchange.data_to_send()
    endings = {}
    for at in range(0, len(data), size):
        endings |= talk.feed(data[at : at + size])
    kinds = sorted(
        (one, type(how).__name__, getattr(how, "status", 0), getattr(how, "headers", 0))
        for one, how in endings.items()
    )
    return kinds, talk.exchange.is_leaving


WHOLE = HeadersFrame(3, b"\x88", flags=["END_HEADERS", "END_STREAM"])
NAKED = ContinuationFrame(1, b"\x88", flags=["END_HEADERS"])


@settings(max_examples=300)
@given(st.lists(FRAMES, max_size=12), st.integers(1, 60))
@example([WHOLE, RstStreamFrame(1), WHOLE, NAKED], 1)
def test_frames_are_told_as_jh2_tells_them(frames, size):
    data = b"".join(frame.serialize() for frame in frames)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Http2, "_is_plain", lambda *_: False)
        all_by_jh2 = told(data, len(data) or 1)
    assert told(data, size) == all_by_jh2
