"""What stands before a log's first line of a kind decides nothing and is not kept."""

from __future__ import annotations

import random

import pytest

from registrations.formats import open_format
from registrations.formats.record import Request, Unreadable
from tests.registrations.formats.carriers import carried
from tests.registrations.formats.reading import records_of
from tests.registrations.formats.test_carried import FLEXISIP, KAMAILIO

LOGS = {
    "flexisip": FLEXISIP,
    "kamailio": KAMAILIO,
    "cri+kamailio": carried(KAMAILIO, "cri"),
    "journal-export": carried(KAMAILIO, "export"),
}
BEFORE = {
    "words": b"loading modules under config path: /usr/lib\n" * 8_000,
    "no line end": b"x" * 1_000_000 + b"\n",
    "noise": random.Random(3).randbytes(1_000_000) + b"\n",
}


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("name", LOGS)
@pytest.mark.parametrize("step", [0, 65_536])
def test_the_log_behind_is_read_in_its_format(name, before, step):
    records = records_of(BEFORE[before] + LOGS[name], step=step)
    (found,) = [one for one in records if isinstance(one, Request)]
    assert found.position >= len(BEFORE[before])
    told = [one.rule for one in records if isinstance(one, Unreadable)]
    # Fed whole, the line without an end has one.
    assert told in ([], ["line_length"] if before == "no line end" else [])


def test_lines_of_no_kind_are_behind_as_soon_as_they_are_read():
    reader = open_format(None)
    reader.feed(BEFORE["words"] + b"half a l")
    assert reader.form is None
    assert reader.resume_position == len(BEFORE["words"])
    rest = open_format(None, position=reader.resume_position)
    (found,) = [
        one
        for one in rest.feed(b"half a line\n" + KAMAILIO)
        if isinstance(one, Request)
    ]
    assert found.position > len(BEFORE["words"])


def test_an_empty_file_and_one_of_no_kind_hold_nothing():
    assert records_of(b"") == records_of(b"words\n") == records_of(b"words") == []


#: The first start line shows no format: its version is misspelt.
DAMAGED = (
    b"[0x55]: message sent to [UDP://127.0.0.1:5070], size: [105] bytes\n"
    b"REGISTER sip:e.org SIp/2.0\r\nTo: 9b]: message sent to [UDP://127.0.0.1:5070]\n"
)
WHOLE = (
    b"REGISTER sip:e.org SIP/2.0\r\nTo: sip:a@e.org\r\nCall-ID: 1\r\n"
    b"CSeq: 1 REGISTER\r\nContact: <sip:a@192.0.2.1>\r\n\r\n"
)


@pytest.mark.parametrize("cut", range(len(DAMAGED) + 1))
def test_what_stands_above_the_line_that_decides_is_not_read(cut):
    reader = open_format(None)
    log = DAMAGED + WHOLE
    (found,) = reader.feed(log[:cut]) + reader.feed(log[cut:]) + reader.end()
    assert (found.position, found.raw) == (len(DAMAGED), WHOLE)
