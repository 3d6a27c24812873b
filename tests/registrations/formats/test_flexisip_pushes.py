"""Pushes Flexisip sends by itself, from its log at debug level, old and new wording."""

from __future__ import annotations

import pytest

from registrations.formats import open_format
from registrations.formats.record import PushEnded, PushSent
from registrations.formats.stamps import Stamps
from tests.notifications.flexisip_pushes import NEW, OLD, TOKEN, logged


def read(text: str, size: int | None = None) -> list:
    data = text.encode()
    reader = open_format("flexisip", Stamps())
    records, size = [], size or len(data)
    for start in range(0, len(data), size):
        records += reader.feed(data[start : start + size])
    records += reader.end()
    return [one for one in records if isinstance(one, PushSent | PushEnded)]


@pytest.mark.parametrize("wording", [OLD, NEW])
def test_a_push_is_read_with_token_call_and_answer(wording):
    sent, ended = read(logged(wording))
    assert (sent.token, sent.push_type) == (TOKEN, "voip")
    assert (sent.call_id, sent.instance_id) == ("call-1", "urn:uuid:7")
    assert sent.topic == "org.example.phone.voip"
    assert (ended.key, ended.is_taken, ended.status) == (sent.key, True, 200)
    assert ended.apns_id == "0e5c0000-0000-4000-8000-000000000001"
    assert sent.at.microsecond == 118_000


@pytest.mark.parametrize("wording", [OLD, NEW])
def test_a_refusal_has_its_status_and_reason(wording):
    _, ended = read(logged(wording, status=410, reason="Unregistered"))
    assert (ended.is_taken, ended.status, ended.reason) == (False, 410, "Unregistered")


@pytest.mark.parametrize("wording", [OLD, NEW])
def test_a_push_without_an_answer_has_no_status(wording):
    _, ended = read(logged(wording, status=None))
    assert (ended.is_taken, ended.status) == (False, None)


def test_one_byte_at_a_time_gives_the_same():
    text = logged(OLD) + logged(NEW, pointer="0x7f01", status=400, reason="BadTopic")
    assert read(text, 1) == read(text)
    assert len(read(text)) == 4


def test_pushes_that_overlap_are_told_apart():
    first, second = (logged(OLD, pointer=p, call_id=p) for p in ("0x1", "0x2"))
    lines = first.partition("response")
    at = first.rindex("\n", 0, len(lines[0])) + 1
    records = read(first[:at] + second + first[at:])
    assert [one.key for one in records] == ["0x1", "0x2", "0x2", "0x1"]
    assert [one.call_id for one in records[:2]] == ["0x1", "0x2"]
