"""Logs of one JSON object a line: Asterisk's, OpenSIPS', and what shippers write."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from registrations.sip import read_register
from tests.registrations.formats.test_wrapped import requests, sample
from tests.registrations.logs import FlexisipLog, register


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


@pytest.mark.parametrize("size", [7, 300])
def test_docker_cuts_long_lines(size):
    log = b"".join(FlexisipLog().request(0, register()).bytes.splitlines(keepends=True))
    parts = [
        line[at : at + size]
        for line in log.decode().splitlines(keepends=True)
        for at in range(0, len(line), size)
    ]
    # What was cut off before it was looked at shows no line end yet.
    parts = ["2026-07-01 08:00:00:001 flexisip-message- Up\n", *parts]
    entries = [{"log": one, "stream": "stdout", "time": "x"} for one in parts]
    lines = "".join(f"{json.dumps(one)}\n" for one in entries).encode()
    (request,) = requests(lines, "json+flexisip")
    told = requests(log)[0]
    assert read_register(request.raw).contacts == read_register(told.raw).contacts


def test_opensips_json_may_stand_in_syslog():
    text = f"RECEIVED REGISTER from udp:192.0.2.7:5060 (size 9)\n{register()}"
    entry = json.dumps({"time": "Nov 23 19:36:17", "pid": 1, "msg": text})
    line = f"Nov 23 19:51:41 vm opensips[1]: @cee: {entry}\n".encode()
    (request,) = requests(line)
    assert request.source == "udp:192.0.2.7:5060"
    assert request.at == datetime(2026, 11, 23, 19, 51, 41, tzinfo=UTC)
