"""The shared captures of real servers: what was on the wire, no more and no less."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from io import StringIO

import pytest
from django.core.management import call_command

from tests.corpora import CORPORA, needs_corpora, rows

pytestmark = needs_corpora


def parsed(name: str) -> list[dict]:
    out = StringIO()
    call_command("parse", str(CORPORA / name), stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def contacts(row: dict, instance: str, is_ours: bool) -> tuple:
    found = []
    for contact in row["contacts"]:
        is_apns = contact["pn_provider"] in {None, "apns", "apns.dev"}
        expires = contact["expires"] if is_ours else expiry(row, contact)
        tokens = contact["tokens"] if is_apns else {}
        pn = tuple(contact[f"pn_{name}"] for name in ("provider", "param", "prid"))
        ident = contact[instance]
        found.append(
            (contact["uri"], ident, expires, pn, tuple(sorted(tokens.items())))
        )
    return tuple(found)


def expiry(row: dict, contact: dict) -> int | None:
    asked = contact["expires"]
    asked = row["expires_header"] if asked is None else asked
    return contact.get("effective_expires", asked)


def ours(row: dict) -> tuple:
    ident = row["call_id"], row["cseq"], row["source"], row["aor"]
    return (*ident, row["status"], contacts(row, "instance_id", True))


def true(row: dict) -> tuple:
    ident = row["call_id"], row["cseq"], f"{row['proto']}:{row['src']}", row["aor"]
    return (*ident, row["status"], contacts(row, "instance", False))


@pytest.mark.parametrize(
    ("folder", "file", "truth"),
    [
        ("linphone53-kamailio", "lo.pcap", "truth.jsonl"),
        ("linphone53-kamailio", "lo.pcapng", "truth.jsonl"),
        ("linphone53-kamailio", "hep2.bin", "truth.jsonl"),
        ("asterisk22", "lo.pcap", "truth.jsonl"),
        ("devices2000-kamailio", "hep3.bin.gz", "truth.jsonl.gz"),
    ],
)
def test_a_capture_gives_the_truth(folder, file, truth):
    found = Counter(map(ours, parsed(f"{folder}/{file}")))
    expected = Counter(map(true, rows(f"{folder}/{truth}")))
    assert found - expected == Counter()
    assert expected - found == Counter()


@pytest.mark.parametrize("folder", ["linphone53-kamailio", "asterisk22"])
def test_moments_are_those_of_the_packets(folder):
    found = {
        round(datetime.fromisoformat(row["at"]).timestamp(), 6)
        for row in parsed(f"{folder}/lo.pcap")
    }
    assert found == {round(row["ts"], 6) for row in rows(f"{folder}/truth.jsonl")}


def test_what_asterisk_dropped_is_in_its_capture_and_not_in_its_hep():
    """pjproject refuses heidi's Contact and says nothing: six retransmissions."""
    truth = rows("asterisk22/truth.jsonl")
    wire = [row for row in parsed("asterisk22/lo.pcap") if row["status"] is None]
    assert len(wire) == 6
    assert {row["aor"] for row in wire} == {"sip:heidi@sip.example.org"}
    found = Counter(map(ours, parsed("asterisk22/hep3.bin")))
    assert found == Counter(true(row) for row in truth if row["in_asterisk_log"])


@pytest.mark.parametrize(
    "file", ["lo.pcap", "lo.pcapng", "hep3.bin", "hep3.concat", "sipdump.pcap"]
)
def test_the_torture_messages_are_read_off_every_wire(file):
    lines = parsed(f"rfc4475/kamailio_live/{file}")
    truth = {row["call_id"]: row for row in rows("rfc4475/truth.jsonl")}
    errors = [line["rule"] for line in lines if "error" in line]
    assert errors == ["address_bare_headers"]
    good = [line for line in lines if "error" not in line]
    valid = {
        call_id: row for call_id, row in truth.items() if "regbadct" not in call_id
    }
    assert {line["call_id"] for line in good} == valid.keys()
    for line in good:
        row = valid[line["call_id"]]
        uris = [contact["uri"] for contact in line["contacts"]]
        assert (line["aor"], uris) == (
            row["aor"],
            [one["uri"] for one in row["contacts"]],
        )
    # Those that name TCP in their Via were sent over it too.
    assert len(good) == len(valid) + 2
