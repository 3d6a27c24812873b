"""Whole answers in one HEADERS frame, which `http2` reads without jh2's objects."""

from __future__ import annotations

import pytest
from hyperframe.frame import (
    ContinuationFrame,
    HeadersFrame,
    PingFrame,
    RstStreamFrame,
)

from notifications.apns.errors import Lost, NotProcessed
from tests.notifications.apns.test_exchange import Talk, is_status

WHOLE = ["END_HEADERS", "END_STREAM"]
#: `:status: 200` of HPACK's static table.
OK = b"\x88"


def headers(stream_id: int, block: bytes = OK, flags: list[str] = WHOLE) -> bytes:
    return HeadersFrame(stream_id, data=block, flags=flags).serialize()


def under_way(count: int) -> tuple[Talk, list[int]]:
    talk = Talk().shake_hands()
    streams = [talk.push() for _ in range(count)]
    talk.up()
    return talk, streams


def cut_at(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize("size", [1, 2, 7, 8, 9, 10, 11, 100])
def test_bytes_may_come_in_pieces_of_any_size(size):
    talk, streams = under_way(4)
    for stream_id in streams:
        talk.answer(stream_id)
    ping = PingFrame(0, opaque_data=b"12345678").serialize()
    seen = {}
    for piece in cut_at(ping + talk.server.data_to_send() + ping, size):
        seen |= talk.feed(piece)
    assert [seen[one].headers["apns-id"] for one in streams] == [*map(str, streams)]
    assert talk.exchange.data_to_send().count(b"12345678") == 2


def test_an_answer_before_the_body_was_read_is_followed_by_a_reset():
    """RFC 9113 §8.1; nginx does so for every push."""
    talk, (first, second) = under_way(2)
    talk.answer(first)
    reset = RstStreamFrame(first, error_code=0).serialize()
    assert is_status(talk.down(reset)[first], 200)
    talk.answer(second)
    assert is_status(talk.down()[second], 200)


def test_a_reset_that_stands_before_the_answer_is_the_end():
    talk, (first, second) = under_way(2)
    refused = RstStreamFrame(first, error_code=7).serialize()
    endings = talk.feed(refused + headers(second))
    assert isinstance(endings[first], NotProcessed)
    assert is_status(endings[second], 200)


def test_one_that_goes_on_after_headers_is_read_whole():
    talk, (first, second) = under_way(2)
    begun = headers(first, OK, ["END_STREAM"])
    rest = ContinuationFrame(first, data=b"", flags=["END_HEADERS"]).serialize()
    assert talk.feed(begun) == {}
    assert is_status(talk.feed(rest)[first], 200)
    assert is_status(talk.feed(headers(second))[second], 200)


def test_no_answer_may_stand_amid_the_headers_of_another():
    """RFC 9113 §6.10"""
    talk, (first, second) = under_way(2)
    endings = talk.feed(headers(first, OK, []) + headers(second))
    assert isinstance(endings[first], Lost)
    assert isinstance(endings[second], Lost)


def test_an_informational_answer_that_ends_is_the_fault_of_one_stream():
    talk, (first, second) = under_way(2)
    early = b"\x08\x03103"  # `:status: 103` as a literal
    assert isinstance(talk.feed(headers(first, early))[first], Lost)
    assert is_status(talk.feed(headers(second))[second], 200)
    talk.up()
    assert talk.reset == {first}


def test_an_informational_answer_goes_before_the_one_that_counts():
    talk, (first,) = under_way(1)
    assert talk.feed(headers(first, b"\x08\x03103", ["END_HEADERS"])) == {}
    assert is_status(talk.feed(headers(first))[first], 200)


def test_an_answer_to_a_push_given_up_harms_nothing():
    talk, (first, second) = under_way(2)
    talk.exchange.abandon(first, talk.now)
    endings = talk.feed(headers(first) + headers(second))
    assert list(endings) == [second]
    assert is_status(endings[second], 200)


@pytest.mark.parametrize(
    "block",
    [b"\xff\xff\xff\xff\xff\xff", b"\xbe", b"\x00", b"\x40\x85\x00"],
    ids=["number", "index", "nothing", "huffman"],
)
def test_headers_that_are_no_hpack_end_the_connection(block, capfd):
    talk, (first, second, third) = under_way(3)
    endings = talk.feed(headers(first) + headers(second, block))
    assert is_status(endings[first], 200)
    assert isinstance(endings[second], Lost)
    assert isinstance(endings[third], Lost)
    assert talk.exchange.is_leaving
    capfd.readouterr()  # what Rust says of its panic


def test_a_frame_larger_than_allowed_is_not_waited_for():
    talk, (first, second) = under_way(2)
    head = (16_385).to_bytes(3, "big") + b"\x00\x00" + second.to_bytes(4, "big")
    endings = talk.feed(headers(first) + head)
    assert is_status(endings[first], 200)
    assert isinstance(endings[second], Lost)


def test_an_answer_without_a_status_is_none():
    talk, (first, second) = under_way(2)
    endings = talk.feed(headers(first, b"") + headers(second))
    assert isinstance(endings[first], Lost)
    assert is_status(endings[second], 200)
