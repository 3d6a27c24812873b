"""Who reads ahead works while PostgreSQL does, and leaves its turn to the storing one."""

from __future__ import annotations

import threading

import pytest

from registrations.turns import Turns

SOON, LONG = 5.0, 0.05


def reader_of(turns: Turns) -> tuple[threading.Thread, threading.Event]:
    """A thread that asks for one turn, and what it sets when it has got it."""
    has_read = threading.Event()

    def read() -> None:
        turns.await_one()
        has_read.set()

    thread = threading.Thread(target=read)
    thread.start()
    return thread, has_read


def test_while_nothing_is_stored_the_reader_goes_on():
    thread, has_read = reader_of(Turns())
    assert has_read.wait(SOON)
    thread.join()


def test_the_reader_waits_while_the_other_one_computes_and_goes_on_after_it():
    turns = Turns()
    with turns.storing():
        thread, has_read = reader_of(turns)
        assert not has_read.wait(LONG)
    assert has_read.wait(SOON)
    thread.join()


def test_the_reader_goes_on_while_postgresql_is_waited_for_and_no_longer():
    turns = Turns()
    with turns.storing():
        first, has_read = reader_of(turns)
        turns.give()
        assert has_read.wait(SOON)
        turns.take()
        second, has_read = reader_of(turns)
        assert not has_read.wait(LONG)
    first.join()
    second.join()


def test_what_fails_while_it_stores_leaves_the_reader_free():
    turns = Turns()
    with pytest.raises(ValueError, match="a bad row"), turns.storing():
        raise ValueError("a bad row")
    thread, has_read = reader_of(turns)
    assert has_read.wait(SOON)
    thread.join()


def test_a_statement_by_itself_holds_nobody_up():
    turns = Turns()
    turns.give()
    turns.take()
    thread, has_read = reader_of(turns)
    assert has_read.wait(SOON)
    thread.join()
