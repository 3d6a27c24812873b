"""What a hostile server does: to HTTP/2, or by its letter and against its sense."""

from __future__ import annotations

import asyncio

from h2.settings import SettingCodes
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    PushPromiseFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from tests.notifications.apns.hostile import Misdeed, Talker

COUNT = 5
LAST = COUNT - 1
LARGEST = 2**31 - 1


def with_end(frame, *flags: str):
    for flag in flags:
        frame.flags.add(flag)
    return frame


def goaway_at(last: int):
    """All in flight, then GOAWAY with this last_stream_id; what it covers is answered."""

    def on_request(talker: Talker, stream_id: int, number: int) -> None:
        if number == LAST:
            talker.raw(GoAwayFrame(0, last_stream_id=last))
            talker.disclaim(*(one for one in talker.ids if one > last))
            for one in [one for one in talker.ids if one <= last]:
                talker.accept(one)

    return Misdeed(on_request)


def goaway_twice(talker: Talker, stream_id: int, number: int) -> None:
    if number == LAST:
        talker.raw(GoAwayFrame(0, last_stream_id=LARGEST))
        first, *others = talker.ids
        talker.raw(GoAwayFrame(0, last_stream_id=first, error_code=11))
        talker.disclaim(*others)
        talker.accept(first)


def each(act) -> Misdeed:
    """The same to each request."""
    return Misdeed(lambda talker, stream_id, number: act(talker, stream_id))


def at_last(act) -> Misdeed:
    """Nothing, until all are in flight."""

    def on_request(talker: Talker, stream_id: int, number: int) -> None:
        if number == LAST:
            act(talker, stream_id)

    return Misdeed(on_request)


def reset_after_data(talker: Talker, stream_id: int) -> None:
    talker.accept(stream_id, ends=False)
    talker.http2.send_data(stream_id, b"{")
    talker.http2.reset_stream(stream_id, 8)


def twice(talker: Talker, stream_id: int) -> None:
    talker.accept(stream_id)
    again = with_end(HeadersFrame(stream_id, data=b"\x88"), "END_HEADERS", "END_STREAM")
    talker.raw(again, with_end(DataFrame(stream_id, data=b"{}"), "END_STREAM"))


def informed(talker: Talker, stream_id: int) -> None:
    for status in ("100", "103", "199"):
        talker.http2.send_headers(stream_id, [(":status", status)])
    talker.accept(stream_id)


def with_trailers(talker: Talker, stream_id: int) -> None:
    talker.accept(stream_id, ends=False)
    talker.http2.send_data(stream_id, b"")
    talker.http2.send_headers(stream_id, [("grpc-status", "0")], end_stream=True)


def with_a_wrong_length(talker: Talker, stream_id: int) -> None:
    talker.accept(stream_id, ("content-length", "7"), ends=False)
    talker.raw(with_end(DataFrame(stream_id, data=b"{}"), "END_STREAM"))


def with_no_length(talker: Talker, stream_id: int) -> None:
    talker.accept(stream_id, ("content-length", "many"))


def with_large_headers(talker: Talker, stream_id: int) -> None:
    talker.accept(stream_id, *((f"x-{number}", "y" * 900) for number in range(30)))


def headers_without_end(talker: Talker, stream_id: int) -> None:
    head = HeadersFrame(stream_id, data=b"\x88")
    more = [ContinuationFrame(stream_id, data=b"\x00\x01x\x01y" * 3000)] * 70
    talker.raw(head, *more)


def promised(talker: Talker, stream_id: int) -> None:
    frame = PushPromiseFrame(stream_id, promised_stream_id=2, data=b"\x82\x84\x87")
    talker.raw(with_end(frame, "END_HEADERS"))


def with_a_long_body(talker: Talker, stream_id: int) -> None:
    talker.accept(stream_id, ends=False)
    for _ in range(3):
        talker.http2.send_data(stream_id, b"x" * 4000)
    talker.http2.send_data(stream_id, b"", end_stream=True)


def with_status(status: str):
    def answer(talker: Talker, stream_id: int) -> None:
        talker.http2.send_headers(stream_id, [(":status", status)], end_stream=True)

    return each(answer)


def frames(*wanted) -> Misdeed:
    return at_last(lambda talker, stream_id: talker.raw(*wanted))


def greeting(**settings: int) -> Misdeed:
    codes = {SettingCodes[name.upper()]: value for name, value in settings.items()}
    return Misdeed(greet=lambda talker: talker.raw(SettingsFrame(0, settings=codes)))


def late(talker: Talker) -> None:
    asyncio.get_running_loop().call_later(1.0, talker.flush)


def http1(talker: Talker) -> None:
    talker.transport.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    talker.transport.pause_reading()


def deaf(talker: Talker) -> None:
    talker.flush()
    talker.transport.pause_reading()


def ended(talker: Talker, stream_id: int, number: int) -> None:
    """Answers 20, then says nothing more on this connection."""
    if not talker.is_mute:
        talker.accept(stream_id)
        if number == 20:
            talker.end()


def leaving_unheard(talker: Talker, stream_id: int) -> None:
    talker.accept(stream_id)
    talker.raw(GoAwayFrame(0, last_stream_id=stream_id))
    talker.transport.pause_reading()


def flooded(talker: Talker, stream_id: int) -> None:
    pings = [PingFrame(0, opaque_data=b"%08d" % number) for number in range(2000)]
    talker.raw(*pings, *[SettingsFrame(0, settings={4: 65_535})] * 500)
    for one in list(talker.ids):
        talker.accept(one)


KIND = {
    "goaway 0": goaway_at(0),
    "goaway 1": goaway_at(1),
    "goaway 3": goaway_at(3),
    "goaway 5": goaway_at(5),
    "goaway 9": goaway_at(9),
    "goaway of streams to come": goaway_at(LARGEST),
    "goaway twice": Misdeed(goaway_twice),
    "reset after data": each(reset_after_data),
    "informational answers": each(informed),
    "trailers": each(with_trailers),
    "each answer twice": each(twice),
    "wrong content-length": each(with_a_wrong_length),
    "content-length of words": each(with_no_length),
    "27 kB of headers": each(with_large_headers),
    "a long body": each(with_a_long_body),
    "floods": at_last(flooded),
    "settings late": Misdeed(greet=late),
}
#: Nothing of what was in flight can be saved here.
BROKEN = {
    "headers without end": at_last(headers_without_end),
    "push promise": at_last(promised),
    "garbage": frames(bytes(range(256)) * 4),
    "a frame too large": frames(b"\xff\xff\xff\x00\x00\x00\x00\x00\x01"),
    "data on stream 0": frames(b"\x00\x00\x01\x00\x00\x00\x00\x00\x00x"),
    "reset of an idle stream": frames(RstStreamFrame(4001, error_code=7)),
    "window overflow": frames(WindowUpdateFrame(0, window_increment=LARGEST)),
    "headers on an even stream": frames(
        with_end(HeadersFrame(2, data=b"\x88"), "END_HEADERS")
    ),
    "settings that are none": frames(SettingsFrame(0, settings={5: 1})),
    "spoilt header compression": frames(
        with_end(HeadersFrame(1, data=b"\xff\xff\xff\xff\x0f"), "END_HEADERS")
    ),
    "a cut": at_last(lambda talker, stream_id: talker.transport.abort()),
    "a goodbye": at_last(lambda talker, stream_id: talker.transport.close()),
    "status 099": with_status("099"),
    "status of words": with_status("fine"),
    "reset without an error": each(
        lambda talker, stream_id: talker.http2.reset_stream(stream_id, 0)
    ),
}
#: Nothing leaves here, and that is known.
CLOSED = {
    "settings never": Misdeed(greet=lambda talker: None),
    "no stream allowed": greeting(max_concurrent_streams=0),
    "no window": greeting(initial_window_size=0),
    "HTTP/1.1": Misdeed(greet=http1),
    "closed at once": Misdeed(greet=lambda talker: talker.transport.close()),
    "cut at once": Misdeed(greet=lambda talker: talker.transport.abort()),
}
