"""Answers find their requests, and a doubtful one is left alone."""

from datetime import UTC, datetime, timedelta

from registrations.answers import FEW_WAITING, MOST_WAITING, PATIENCE, Pairing
from registrations.formats.record import Answer, Request
from registrations.sip import read_register
from tests.registrations.formats.test_kamailio import MESSAGE

START = datetime(2026, 7, 1, 8, tzinfo=UTC)


def ask(pairing: Pairing, call_id: str = "one", *, second: float = 0, key=None):
    raw = MESSAGE.replace(b"one", call_id.encode())
    at = START + timedelta(seconds=second)
    request = Request(position=0, at=at, source=None, raw=raw, key=key)
    return pairing.ask(request, read_register(raw))


def answer(pairing: Pairing, status: int, *, call_id=None, key=None) -> bool:
    cseq = 1 if call_id else None
    return pairing.answer(
        Answer(position=0, at=START, status=status, call_id=call_id, cseq=cseq, key=key)
    )


def test_the_first_final_answer_counts():
    pairing = Pairing()
    item = ask(pairing)
    assert [answer(pairing, s, call_id="one") for s in (100, 401, 200)] == [
        False,
        True,
        False,
    ]
    assert item.status == 401


def test_every_copy_of_a_request_has_its_answer():
    pairing = Pairing()
    first, second = ask(pairing), ask(pairing, second=0.5)
    answer(pairing, 200, call_id="one")
    assert [first.status, second.status, ask(pairing).status] == [200, 200, 200]


def test_a_pointer_names_its_request_and_no_other():
    pairing = Pairing()
    one, two = ask(pairing, "one", key="0x1"), ask(pairing, "two", key="0x2")
    assert not answer(pairing, 200, key="0x3")
    assert answer(pairing, 403, key="0x2")
    assert (one.status, two.status) == (None, 403)


def test_an_answer_without_a_name_is_taken_only_when_one_request_can_be_meant():
    pairing = Pairing()
    one = ask(pairing, "one")
    assert answer(pairing, 200)
    two, three = ask(pairing, "two"), ask(pairing, "three")
    assert not answer(pairing, 200)
    assert (one.status, two.status, three.status) == (200, None, None)


def test_rows_come_in_order_and_wait_for_the_first():
    pairing = Pairing()
    one, two = ask(pairing, "one"), ask(pairing, "two")
    answer(pairing, 200, call_id="two")
    assert pairing.in_order() == []
    assert answer(pairing, 401, call_id="one")
    assert pairing.in_order() == [one, two]


def test_a_request_is_given_up_when_log_time_has_passed_its_patience():
    pairing = Pairing()
    item = ask(pairing)
    pairing.note(START + PATIENCE)
    assert pairing.in_order() == []
    pairing.note(START + PATIENCE + timedelta(seconds=1))
    assert pairing.in_order() == [item]


def test_waiting_is_bounded():
    pairing = Pairing()
    answer(pairing, 200, call_id="of another")
    for number in range(MOST_WAITING + 5):
        ask(pairing, f"call-{number}")
    assert len(pairing.in_order()) == 5
    assert len(pairing.waiting) == MOST_WAITING
    assert len(pairing.in_order(is_last=True)) == MOST_WAITING


def test_few_wait_where_no_answer_was_ever_shown():
    pairing = Pairing()
    for number in range(MOST_WAITING):
        ask(pairing, f"call-{number}")
    assert pairing.in_order() == []
    ask(pairing, "one more")
    assert len(pairing.in_order()) == MOST_WAITING + 1 - FEW_WAITING
    assert answer(pairing, 401, call_id="call-1990")
    for number in range(MOST_WAITING - FEW_WAITING):
        ask(pairing, f"later-{number}")
    assert pairing.in_order() == []
    assert [one.status for one in pairing.waiting].index(401) == 1990 - 1901


def test_answered_ones_behind_one_that_waits_are_bounded_too():
    pairing = Pairing()
    ask(pairing, "first", second=3600)
    ready = []
    for number in range(MOST_WAITING + 10):
        ask(pairing, f"o{number}")
        answer(pairing, 200, call_id=f"o{number}")
        ready += pairing.in_order()
    assert len(ready) == MOST_WAITING + 11
    assert pairing.waiting == []


def test_the_copy_that_the_next_hop_received_is_no_request_of_its_own():
    pairing = Pairing()
    via = b"\r\nVia: SIP/2.0/UDP h;branch=z"
    raws = [
        MESSAGE.replace(b"\r\nTo:", via * count + b"\r\nTo:") for count in (1, 2, 1)
    ]
    requests = [Request(position=0, at=START, source=None, raw=raw) for raw in raws]
    items = [pairing.ask(one, read_register(one.raw)) for one in requests]
    assert [item is not None for item in items] == [True, False, True]
    answer(pairing, 200, call_id="one")
    assert [item.status for item in pairing.in_order()] == [200, 200]


def test_behind_a_proxy_every_request_has_come_as_far():
    pairing = Pairing()
    raw = MESSAGE.replace(b"\r\nTo:", b"\r\nVia: SIP/2.0/UDP a, SIP/2.0/UDP b\r\nTo:")
    request = Request(position=0, at=START, source=None, raw=raw)
    assert all(pairing.ask(request, read_register(raw)) for _ in range(2))
