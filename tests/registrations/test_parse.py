"""`manage.py parse` against real logs with truth, and against RFC 4475."""

from __future__ import annotations

import json
from collections import defaultdict
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from registrations.formats import open_format
from registrations.management.commands.parse import rows_of
from tests.corpora import CORPORA, needs_corpora, rows

LOGS = [
    ("linphone53-kamailio/kamailio_mb.log", "linphone53-kamailio/truth.jsonl"),
    ("devices2000-kamailio/kamailio_mb.log.gz", "devices2000-kamailio/truth.jsonl.gz"),
]


def expected(row: dict) -> dict:
    """A truth row in the words of `parse`."""
    contacts = []
    for contact in row["contacts"]:
        is_apns = contact["pn_provider"] in {None, "apns", "apns.dev"}
        expires = contact.get("effective_expires", contact["expires"])
        contacts.append(
            {
                "uri": contact["uri"],
                "instance_id": contact["instance"],
                "expires": expires,
                "pn_provider": contact["pn_provider"],
                "pn_param": contact["pn_param"],
                "pn_prid": contact["pn_prid"],
                "tokens": contact["tokens"] if is_apns else {},
            }
        )
    return {
        "aor": row["aor"],
        "source": f"{row['proto']}:{row['src']}",
        "contacts": contacts,
    }


def found(row: dict, like: dict) -> dict:
    """The part of a parsed row that truth speaks of."""
    contacts = [
        {name: contact[name] for name in wanted}
        for contact, wanted in zip(row["contacts"], like["contacts"], strict=True)
    ]
    return {"aor": row["aor"], "source": row["source"], "contacts": contacts}


@needs_corpora
@pytest.mark.parametrize(("log", "truth"), LOGS)
def test_every_register_of_a_real_kamailio_log_reads_as_its_truth(log, truth):
    wanted = defaultdict(list)
    for row in rows(truth):
        wanted[row["call_id"], row["cseq"]].append(row)
    parsed = list(rows_of(str(CORPORA / log), None))
    assert len(parsed) == sum(map(len, wanted.values()))
    for row in parsed:
        like = wanted[row["call_id"], row["cseq"]].pop(0)
        assert found(row, expected(like)) == expected(like)
        assert row["status"] in {None, like["status"]}
        assert row["format"] == "kamailio"


@needs_corpora
def test_the_nine_registers_of_rfc_4475_read_as_the_table_says():
    for truth in rows("rfc4475/truth.jsonl"):
        parsed = list(rows_of(str(CORPORA / "rfc4475" / truth["file"]), None))
        assert len(parsed) == 1, truth["file"]
        if truth["contacts"] is None:
            assert parsed[0]["rule"] == "address_bare_headers"
            continue
        assert parsed[0]["aor"] == truth["aor"]
        assert str(parsed[0]["cseq"]) == str(truth["cseq"])
        uris = [contact["uri"] for contact in parsed[0]["contacts"]]
        assert uris == [contact["uri"] for contact in truth["contacts"]]


@needs_corpora
def test_the_other_torture_messages_give_no_register():
    names = {truth["file"] for truth in rows("rfc4475/truth.jsonl")}
    others = (CORPORA / "rfc4475").glob("*.dat")
    others = [path for path in others if path.name not in names]
    assert len(others) == 40
    assert [row for path in others for row in rows_of(str(path), None)] == []


FLEXISIP = """\
2026-07-01 08:00:00:001 flexisip-message- Agent::processRequest - Received SIP request \
[0x55d0] REGISTER (21 - aBc) from sip:alice@sip.example.org to sip:alice@sip.example.org
2026-07-01 08:00:00:001 flexisip-debug- Agent::processRequest - Message:
REGISTER sip:sip.example.org SIP/2.0\r
From: <sip:alice@sip.example.org>;tag=Qx1\r
To: sip:alice@SIP.example.org:5060\r
CSeq: 21 REGISTER\r
Call-ID: aBc\r
Contact: <sip:alice@203.0.113.7;pn-prid=AA:voip&BB:remote;pn-provider=apns;\
pn-param=T.org.example.app.voip&remote>;+sip.instance="<urn:uuid:1>"\r
Expires: 3600\r
\r
2026-07-01 08:00:00:002 flexisip-message- RequestSipEvent[0x77]::reply - \
Replying to SIP request: 200 OK
2026-07-01 08:00:00:003 flexisip-debug- RequestSipEvent[0x55d0]::send - Sending SIP request
2026-07-01 08:00:00:003 flexisip-debug- RequestSipEvent[0x55d0]::send - Message:
REGISTER sip:upstream.example.org SIP/2.0\r
To: sip:alice@sip.example.org\r
CSeq: 21 REGISTER\r
Call-ID: aBc\r
\r
2026-07-01 08:00:00:009 flexisip-message- RequestSipEvent[0x55d0]::reply - \
Replying to SIP request: 403 Forbidden
"""
OLD = "2025-03-04 10:15:42:118 flexisip-debug-"
NEWER = "2025-03-04 10:15:42:118 flexisip-debug- "


@pytest.fixture
def utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")


def parse(tmp_path, text: str, **options) -> list[dict]:
    log = tmp_path / "log"
    log.write_bytes(text.encode())
    out = StringIO()
    call_command("parse", str(log), stdout=out, **options)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_flexisip_25_takes_what_was_received_and_the_answer_of_that_request(tmp_path):
    (row,) = parse(tmp_path, FLEXISIP)
    assert row["status"] == 403
    assert row["position"] == FLEXISIP.encode().index(b"2026", 1)
    assert row["aor"] == "sip:alice@sip.example.org"
    (contact,) = row["contacts"]
    assert contact["tokens"] == {"voip": "AA", "remote": "BB"}
    assert contact["instance_id"] == "urn:uuid:1"
    assert contact["expires"] == 3600
    assert contact["bundle_id"] == "org.example.app"


@pytest.mark.parametrize("prefix", [OLD, NEWER])
def test_flexisip_up_to_24_takes_the_dump_behind_receiving(tmp_path, prefix):
    message = FLEXISIP[FLEXISIP.index("REGISTER sip:sip.") :].partition("2026-")[0]
    log = (
        f"{prefix}nta: received REGISTER sip:sip.example.org SIP/2.0 (CSeq 21)\n"
        f"{prefix}Receiving new Request SIP message REGISTER from sip:a@b :\n{message}"
        f"{prefix}Sending Request SIP message to sip:up\n{message}"
        f"{prefix}Replying Request SIP message: 200 Registration successful\n"
    )
    (row,) = parse(tmp_path, log)
    assert (row["call_id"], row["status"]) == ("aBc", 200)


@pytest.mark.parametrize("log", [FLEXISIP, FLEXISIP.partition("REGISTER sip")[2]])
def test_a_log_fed_byte_by_byte_gives_the_same_records(log):
    data = log.encode()
    whole, pieces = open_format("flexisip"), open_format("flexisip")
    expected = whole.feed(data) + whole.end()
    got = [record for byte in data for record in pieces.feed(bytes([byte]))]
    got += pieces.end()
    keep = [record for record in got if type(record).__name__ != "Pulse"]
    assert keep == [row for row in expected if type(row).__name__ != "Pulse"]


def test_a_hundred_megabytes_without_a_newline_stay_bounded():
    reader = open_format("kamailio")
    for _ in range(100):
        assert reader.feed(b"x" * 1_000_000) == []
    assert len(reader._data) < 2_000_000


def test_a_missing_file_and_a_wrong_format_are_named(tmp_path):
    with pytest.raises(CommandError, match="nowhere.log cannot be read"):
        call_command("parse", str(tmp_path / "nowhere.log"))
    (tmp_path / "log").write_text("")
    with pytest.raises(CommandError, match="no format 'cisco'"):
        call_command("parse", str(tmp_path / "log"), format="cisco")
