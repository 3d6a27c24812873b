"""Lines that somebody tries are read as `parse` reads them, and nothing is stored."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command

from registrations.trying import MOST_BYTES, MOST_ROWS, tried
from tests.registrations.formats import test_kamailio
from tests.registrations.logs import VOIP, FlexisipLog, contact, register


def log_of(number: int, **values) -> bytes:
    """REGISTERs that Flexisip received and answered."""
    log = FlexisipLog()
    for second in range(number):
        key = f"0x{second + 1:x}"
        log.request(second, register(call_id=f"c{second}", **values), key)
        log.reply(second, 200, key)
    return log.bytes


def parsed(tmp_path, data: bytes) -> list[dict]:
    log, out = tmp_path / "some.log", StringIO()
    log.write_bytes(data)
    call_command("parse", str(log), stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


@pytest.mark.parametrize("number", [1, 3])
def test_what_is_tried_is_what_parse_prints(tmp_path, number):
    data = log_of(number)
    found = tried(data)
    assert found.rows == parsed(tmp_path, data)
    assert (found.format, found.number) == ("flexisip", number)
    assert found.why_nothing == ""


def test_a_broken_rule_is_named():
    broken = contact().replace(":remote;pn-provider", ";pn-provider")
    (row,) = tried(log_of(1, contacts=(broken,))).rows
    assert row["contacts"][0]["problems"]
    assert VOIP in row["contacts"][0]["tokens"].values()


def test_what_looks_like_no_log_says_so():
    found = tried(b"once upon a time\n" * 50)
    assert (found.format, found.rows) == ("", [])
    assert "no line looks like" in found.why_nothing
    assert tried(b"").rows == []


def test_it_is_bounded():
    found = tried(log_of(200))
    assert len(found.rows) == MOST_ROWS
    assert MOST_ROWS < found.number < 200
    assert tried(b"x" * (MOST_BYTES * 2)).rows == []


def test_lines_of_two_logs_are_both_read_and_the_turn_is_told():
    found = tried(log_of(1) + test_kamailio.announced() + test_kamailio.line("end"))
    assert [row.get("call_id", row.get("rule")) for row in found.rows] == [
        *("c0", "other_format", "one")
    ]
