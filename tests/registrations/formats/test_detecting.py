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
