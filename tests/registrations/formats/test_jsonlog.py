"""Logs of one JSON object a line: Asterisk's, OpenSIPS', and what shippers write."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from tests.registrations.formats.test_wrapped import requests, sample


def test_asterisks_json_log_tells_who_sent_a_message():
    arrows = "<--- Received SIP request (9 bytes) from UDP:[2001:db8::7]:5060 --->"
    text = requests(sample("journal_cat"))[0].raw.decode()
    entry = {
        "timestamp": "2026-11-23 19:36:17.017",
        "logmsg": {"level": "VERBOSE", "message": f"{arrows}\n{text}\n"},
    }
    (request,) = requests(json.dumps(entry).encode() + b"\n")
    assert request.source == "udp:[2001:db8::7]:5060"
    assert request.at == datetime(2026, 11, 23, 19, 36, 17, 17000, UTC)
    sent = json.dumps(entry).replace("Received", "Transmitting").replace("from", "to")
    assert requests(sent.encode() + b"\n") == []


@pytest.mark.parametrize("name", ["timestamp", "time"])
def test_a_json_log_may_leave_the_year_out(name):
    """Asterisk's default `dateformat`, and OpenSIPS' log in JSON."""
    text = requests(sample("journal_cat"))[0].raw.decode()
    entry = {name: "Nov 23 19:36:17", "message": f"RECEIVED REGISTER from x\n{text}"}
    (request,) = requests(json.dumps(entry).encode() + b"\n")
    assert request.at == datetime(2026, 11, 23, 19, 36, 17, tzinfo=UTC)
