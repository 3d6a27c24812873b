"""The HTTP/2 conversation without a socket, against h2 in the server's part."""

from __future__ import annotations

import pytest
from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.settings import SettingCodes, Settings
from hyperframe.frame import DataFrame, GoAwayFrame

from notifications.apns.errors import Lost, NotProcessed
from notifications.apns.exchange import Exchange
from notifications.apns.http2 import SWEEP_EVERY
from notifications.apns.stream import Answer

HEADERS = [
    (b":method", b"POST", False),
    (b":scheme", b"https", False),
    (b":path", b"/3/device/aa", True),
    (b":authority", b"localhost", False),
]


class Talk:
    """An exchange and its server, with the clock in the test's hand."""

    def __init__(self, *, by_token: bool = False, **settings: int) -> None:
        self.now = 100.0
        self.exchange = Exchange(self.now, by_token=by_token)
        self.server = H2Connection(H2Configuration(client_side=False))
        codes = {SettingCodes[name.upper()]: value for name, value in settings.items()}
        self.server.local_settings = Settings(client=False, initial_values=codes)
        self.server.initiate_connection()
        self.received: dict[int, bytes] = {}
        self.ended: set[int] = set()
        self.reset: set[int] = set()

    def push(self, body: bytes = b"{}") -> int:
        return self.exchange.request(HEADERS, body, self.now)[0]

    def up(self) -> None:
        """What the client wrote reaches the server."""
        for event in self.server.receive_data(self.exchange.data_to_send()):
            if isinstance(event, events.DataReceived):
                self.received.setdefault(event.stream_id, b"")
                self.received[event.stream_id] += event.data
            elif isinstance(event, events.StreamEnded):
                self.ended.add(event.stream_id)
            elif isinstance(event, events.StreamReset):
                self.reset.add(event.stream_id)

    def down(self, more: bytes = b"") -> dict:
        """What the server wrote reaches the client."""
        return self.feed(self.server.data_to_send() + more)

    def feed(self, data: bytes) -> dict:
        endings = self.exchange.receive(data, self.now)
        assert len(dict(endings)) == len(endings), "a push ended twice"
        return dict(endings)

    def answer(self, stream_id: int, status: int = 200, body: bytes = b"") -> None:
        headers = [(":status", str(status)), ("apns-id", str(stream_id))]
        self.server.send_headers(stream_id, headers, end_stream=not body)
        if body:
            self.server.send_data(stream_id, body, end_stream=True)

    def shake_hands(self) -> Talk:
        self.up()
        self.down()
        self.up()
        return self


def is_status(ending, status: int) -> bool:
    return isinstance(ending, Answer) and ending.status == status


def test_nothing_is_sent_before_the_servers_settings():
    talk = Talk()
    assert not talk.exchange.has_room(talk.now)
    talk.shake_hands()
    assert talk.exchange.has_room(talk.now)


def test_one_stream_alone_until_a_provider_token_was_accepted():
    talk = Talk(by_token=True, max_concurrent_streams=1000).shake_hands()
    first = talk.push()
    assert not talk.exchange.has_room(talk.now)
    talk.up()
    talk.answer(first, 403, b'{"reason":"InvalidProviderToken"}')
    assert is_status(talk.down()[first], 403)
    second = talk.push()
    assert not talk.exchange.has_room(talk.now)
    talk.up()
    talk.answer(second)
    assert is_status(talk.down()[second], 200)
    talk.push()
    assert talk.exchange.has_room(talk.now)


def test_a_first_answer_that_is_late_holds_others_up_for_a_second_only():
    talk = Talk(by_token=True, max_concurrent_streams=1000).shake_hands()
    talk.push()
    talk.now += 1.1
    assert talk.exchange.has_room(talk.now)


def test_a_limit_lowered_in_flight_harms_nobody_and_holds():
    talk = Talk(max_concurrent_streams=100).shake_hands()
    streams = [talk.push() for _ in range(50)]
    talk.up()
    talk.server.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: 10})
    assert talk.down() == {}
    assert not talk.exchange.has_room(talk.now)
    for stream_id in streams[:41]:
        talk.answer(stream_id)
    assert len(talk.down()) == 41
    assert talk.exchange.has_room(talk.now)


@pytest.mark.parametrize("window", [1, 100, 1_000])
def test_a_body_larger_than_the_window_goes_in_pieces(window):
    talk = Talk(initial_window_size=window).shake_hands()
    body = b"x" * 3_000
    stream_id = talk.push(body)
    assert not talk.exchange.has_room(talk.now), "one body in pieces at a time"
    while stream_id not in talk.ended:
        talk.up()
        if stream_id not in talk.ended:
            size = len(talk.received[stream_id])
            talk.server.increment_flow_control_window(window, stream_id)
            talk.down()
            talk.up()
            assert len(talk.received[stream_id]) > size
    assert talk.received[stream_id] == body
    talk.answer(stream_id)
    assert is_status(talk.down()[stream_id], 200)
    assert talk.exchange.has_room(talk.now)


def test_a_request_cut_in_the_middle_was_surely_not_processed():
    talk = Talk(initial_window_size=10).shake_hands()
    stream_id = talk.push(b"x" * 100)
    talk.up()
    ((ended, how),) = talk.exchange.end(Lost("cut"))
    assert ended == stream_id
    assert isinstance(how, NotProcessed)


def test_an_abandoned_push_gives_its_stream_and_its_place_back():
    talk = Talk(max_concurrent_streams=1, initial_window_size=10).shake_hands()
    stream_id = talk.push(b"x" * 100)
    talk.exchange.abandon(stream_id, talk.now)
    assert talk.exchange.has_room(talk.now)
    talk.up()
    assert talk.reset == {stream_id}
    again = talk.push(b"x")
    talk.up()
    talk.answer(again)
    assert is_status(talk.down()[again], 200)


def test_a_late_answer_to_an_abandoned_push_harms_nothing():
    talk = Talk().shake_hands()
    given_up, other = talk.push(), talk.push()
    talk.up()
    talk.answer(given_up, 410, b'{"reason":"Unregistered"}')
    talk.answer(other)
    talk.exchange.abandon(given_up, talk.now)
    assert talk.down().keys() == {other}


def test_goaway_parts_what_is_still_answered_from_what_was_never_processed():
    talk = Talk().shake_hands()
    first, second, third = (talk.push() for _ in range(3))
    talk.up()
    goaway = GoAwayFrame(0, last_stream_id=second).serialize()
    endings = talk.down(goaway)
    assert endings.keys() == {third}
    assert isinstance(endings[third], NotProcessed)
    assert talk.exchange.is_leaving
    talk.answer(first)
    talk.answer(second, 410, b"{}")
    endings = talk.down()
    assert is_status(endings[first], 200)
    assert is_status(endings[second], 410)


@pytest.mark.parametrize(("code", "kind"), [(7, NotProcessed), (2, Lost), (8, Lost)])
def test_a_reset_stream_ends_by_its_code_and_alone(code, kind):
    talk = Talk().shake_hands()
    cut, other = talk.push(), talk.push()
    talk.up()
    talk.server.reset_stream(cut, code)
    talk.answer(other)
    endings = talk.down()
    assert isinstance(endings[cut], kind)
    assert is_status(endings[other], 200)


def test_a_status_that_came_before_the_cut_is_the_answer():
    talk = Talk().shake_hands()
    stream_id = talk.push()
    talk.up()
    talk.server.send_headers(stream_id, [(":status", "200")])
    assert talk.down() == {}
    ((_, how),) = talk.exchange.end(Lost("cut"))
    assert is_status(how, 200)


def test_answers_before_a_frame_that_breaks_http2_are_true():
    talk = Talk().shake_hands()
    first, second = talk.push(), talk.push()
    talk.up()
    talk.answer(first)
    # DATA on stream 0 is a connection error, RFC 9113 §6.1.
    broken = bytearray(DataFrame(1, b"x").serialize())
    broken[5:9] = bytes(4)
    endings = talk.down(bytes(broken))
    assert is_status(endings[first], 200)
    assert isinstance(endings[second], Lost)
    assert talk.exchange.is_leaving


def test_the_reason_in_a_goaway_is_told():
    talk = Talk().shake_hands()
    first = talk.push()
    talk.up()
    said = b'{"reason":"Shutdown"}'
    endings = talk.down(GoAwayFrame(0, 0, additional_data=said).serialize())
    assert str(endings[first]) == "APNs is closing this connection: Shutdown"


def test_answers_come_out_the_same_one_byte_at_a_time():
    talk = Talk().shake_hands()
    streams = [talk.push() for _ in range(5)]
    talk.up()
    for stream_id in streams:
        talk.answer(stream_id, 410, b'{"reason":"Unregistered"}')
    seen = {}
    for byte in talk.server.data_to_send():
        seen |= talk.feed(bytes([byte]))
    assert [seen[one].body for one in streams] == [b'{"reason":"Unregistered"}'] * 5


def test_thousands_of_pushes_leave_nothing_behind():
    talk = Talk().shake_hands()
    for number in range(3_000):
        stream_id = talk.push(b"x" * 200)
        talk.up()
        # The server takes in what it read, as any server does.
        talk.server.acknowledge_received_data(200, stream_id)
        status = 200 if number % 2 else 410
        talk.answer(stream_id, status, b'{"reason":"Unregistered","timestamp":1}')
        assert talk.down()[stream_id].status == status
    assert len(talk.exchange) == 0
    kept = talk.exchange._http2
    assert len(kept.streams) <= SWEEP_EVERY
    assert len(kept.seen) == 0
