"""Answers that break HTTP/2, and connections that give none."""

from __future__ import annotations

import pytest
from hyperframe.frame import DataFrame, HeadersFrame

from notifications.apns.errors import Lost
from tests.notifications.apns.test_exchange import Talk, is_status


def test_nothing_leaves_a_connection_that_broke():
    talk = Talk().shake_hands()
    talk.push()
    assert talk.down(b"\x00\x00\x01\x00\x00\x00\x00\x00\x00x")  # DATA on stream 0
    assert talk.exchange.data_to_send() == b""


def test_an_answer_that_comes_twice_counts_once_and_harms_no_other():
    talk = Talk().shake_hands()
    first, second = talk.push(), talk.push()
    talk.up()
    talk.answer(first)
    again = HeadersFrame(first, data=b"\x88", flags=["END_HEADERS", "END_STREAM"])
    assert is_status(talk.down(again.serialize())[first], 200)
    assert talk.down(again.serialize()) == {}
    talk.answer(second)
    assert is_status(talk.down()[second], 200)


def test_an_answer_that_begins_with_its_body_is_the_fault_of_one_stream():
    talk = Talk().shake_hands()
    first, second = talk.push(), talk.push()
    talk.up()
    ((ended, how),) = talk.down(DataFrame(first, b"x").serialize()).items()
    assert ended == first
    assert isinstance(how, Lost)
    talk.answer(second)
    assert is_status(talk.down()[second], 200)
    talk.up()
    assert talk.reset == {first}


@pytest.mark.parametrize(("answered_at", "is_left"), [(0, True), (1, True), (3, False)])
def test_a_connection_that_answers_none_for_three_seconds_of_a_wait_is_left(
    answered_at, is_left
):
    talk = Talk().shake_hands()
    began_at, other = talk.now, talk.push()
    talk.up()
    if answered_at:
        talk.now = began_at + answered_at
        talk.answer(other)
        talk.down()
    talk.now = began_at + 5
    talk.exchange.give_up(began_at, talk.now)
    assert talk.exchange.is_leaving == is_left
