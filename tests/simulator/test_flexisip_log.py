"""The simulated log, read by eye and by the product."""

import io
import json
import re
from datetime import UTC, datetime, timedelta

from django.core.management import call_command

from simulator.fleet import Fleet
from simulator.population import LINPHONE, make, people

START = datetime(2026, 7, 1, 8, tzinfo=UTC)
REGISTER = re.compile(
    r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d:\d{3} flexisip-message- Agent::processRequest - "
    r"Received SIP request \[0x[0-9a-f]+\] REGISTER \(\d+ - \w+\) "
    r"from sip:\S+ to sip:\S+$"
)


def recorded(phones, minutes: int = 90):
    """The log of phones that all register, and the (phone, request) pairs it must show."""
    log, requests = bytearray(), []
    fleet = Fleet(phones, log.extend)
    fleet.begin(START)

    def keep(phone, request):
        requests.append((phone.instance_id, phone.voip_token, request))

    fleet.registrar.on_request = keep
    for index, phone in enumerate(phones):
        fleet.plan(START + timedelta(seconds=index), "open", phone.name)
    fleet.advance(START + timedelta(minutes=minutes))
    return bytes(log), requests


def test_a_register_looks_as_a_flexisip_2_5_writes_it():
    phone = make("sip:alice@sip.example.org")
    log, _ = recorded([phone], minutes=1)
    head, dump = log[: log.index(b"::reply - Replying to SIP request: 401")].split(
        b"\nREGISTER sip:sip.example.org SIP/2.0\r\n"
    )
    first, second = head.decode().splitlines()[-2:]
    assert REGISTER.match(first)
    assert second.endswith("flexisip-debug- Agent::processRequest - Message:")
    lines = dump.decode().split("\r\n")
    names = [line.partition(":")[0] for line in lines[: lines.index("")]]
    assert names == [
        *("Via", "From", "To", "CSeq", "Call-ID", "Max-Forwards", "Supported"),
        *("Accept", "Accept", "Accept", "Contact", "Expires", "User-Agent"),
        "Content-Length",
    ]
    assert f"pn-prid={phone.voip_token}:voip&{phone.remote_token}:remote;" in lines[10]
    assert f"pn-param=ABCD1234.{LINPHONE}.voip&remote;" in lines[10]
    assert b"Replying to SIP request: 200 Registration successful\n" in log


def test_parse_reads_back_every_register_that_the_fleet_sent(tmp_path):
    log, requests = recorded(people(1, 60))
    (tmp_path / "f.log").write_bytes(log)
    out = io.StringIO()
    call_command("parse", str(tmp_path / "f.log"), stdout=out)
    rows = [json.loads(line) for line in out.getvalue().splitlines()]
    assert len(rows) == len(requests) > 120
    for row, (instance_id, voip_token, request) in zip(rows, requests, strict=True):
        contact = row["contacts"][0]
        assert row["format"] == "flexisip"
        moment = datetime.fromisoformat(row["at"])
        assert round(moment.timestamp() * 1000) == request.at_ms
        assert (row["aor"], row["call_id"]) == (request.aor, request.call_id)
        assert (row["cseq"], row["expires"]) == (request.cseq, request.expires)
        assert row["status"] == (200 if request.is_authorized else 401)
        assert contact["instance_id"] == instance_id
        if contact["pn_provider"] != "fcm":
            assert contact["tokens"]["voip"] == voip_token
    odd = {row["aor"] for row in rows if any(c["problems"] for c in row["contacts"])}
    assert len(odd) == 2  # the two phones with Linphone's unlabelled second token


def test_an_app_that_stays_open_refreshes_with_its_credentials_at_once():
    phone = make("sip:alice@sip.example.org")
    phone.is_kiosk = True
    _, requests = recorded([phone])
    facts = [(r.call_id, r.cseq, r.is_authorized) for _, _, r in requests]
    call_id = facts[0][0]
    assert facts == [(call_id, 20, False), (call_id, 21, True), (call_id, 22, True)]
