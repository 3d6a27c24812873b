"""Bar 3: what the shared logs of real servers leave is what really happened."""

from __future__ import annotations

import gzip
import json
import re
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from registrations.models import DeviceEvent, Feed, Holding, Registration, Sighting
from tests.corpora import CORPORA, needs_corpora, rows

FLEET = CORPORA / "devices2000-kamailio"
LINPHONE = CORPORA / "linphone53-kamailio"
pytestmark = [pytest.mark.django_db, needs_corpora]


def exported() -> dict[tuple, dict]:
    out = StringIO()
    call_command("export", "devices", stdout=out)
    rows = [json.loads(line) for line in out.getvalue().splitlines()]
    return {(row["aor"], row["instance_id"]): row for row in rows}


def counts() -> dict[str, int]:
    tables = (Registration, Sighting, Holding)
    return {table.__name__: table.objects.count() for table in tables}


def truth_of_fleet() -> dict[tuple, dict]:
    with gzip.open(FLEET / "truth_devices.jsonl.gz", "rt") as lines:
        rows = [json.loads(line) for line in lines]
    return {(row["aor"], row["instance"]): row for row in rows}


def ours(row: dict) -> tuple:
    return row["bound"], row["contact"], row["tokens"]


def true(row: dict) -> tuple:
    final = row["final"]
    is_apns = final["pn_provider"] in {"apns", "apns.dev"}
    tokens = {kind: token.lower() for kind, token in final["tokens"].items()}
    return final["registered"], final["contact"], tokens if is_apns else {}


def test_a_fleet_of_2000_leaves_its_true_devices_tokens_and_bindings(tmp_path):
    packed = FLEET / "kamailio_mb.log.gz"
    call_command("ingest", str(packed), stderr=StringIO())
    devices, truth = exported(), truth_of_fleet()
    assert devices.keys() == truth.keys()
    wrong = [key for key in truth if ours(devices[key]) != true(truth[key])]
    assert wrong == []

    before = counts(), Feed.objects.get().register_count
    unpacked = tmp_path / "kamailio_mb.log"
    unpacked.write_bytes(gzip.decompress(packed.read_bytes()))
    for path in (packed, unpacked):
        call_command("ingest", str(path), stderr=StringIO())
    assert (counts(), Feed.objects.get().register_count) == before
    assert exported() == devices


def test_linphones_of_every_kind_end_bound_as_their_truth_says():
    call_command("ingest", str(LINPHONE / "kamailio_mb.log"), stderr=StringIO())
    summary = json.loads((LINPHONE / "truth_summary.json").read_text())
    devices = exported()
    truth = {(row["aor"], row["instance"]): row for row in summary["devices"]}
    accepted = {key: row for key, row in truth.items() if row["accepted"]}
    assert accepted.keys() <= devices.keys()
    wrong = [
        key
        for key, row in accepted.items()
        if devices[key]["bound"] != row["final"]["registered"]
    ]
    assert wrong == []


def held_by_linphones() -> dict[tuple, dict[str, str]]:
    """Device → the tokens of its last accepted REGISTER; `default` is of fcm."""
    held = {}
    for row in rows("linphone53-kamailio/truth.jsonl"):
        for contact in row["contacts"] if row["status"] == 200 else ():
            tokens = contact["tokens"].items()
            held[row["aor"], contact["instance"]] = {
                kind: token.lower() for kind, token in tokens if kind != "default"
            }
    return held


@pytest.mark.parametrize("log", ["kamailio_mb.log", "sipdump.data", "lo.pcap"])
def test_linphones_hold_the_tokens_of_their_truth(log):
    call_command("ingest", str(LINPHONE / log), stderr=StringIO())
    devices, truth = exported(), held_by_linphones()
    assert len(truth) == 14
    wrong = [key for key, held in truth.items() if devices[key]["tokens"] != held]
    assert wrong == []


ERIN = "sip:erin@sip.example.org", "urn:uuid:5b1e0000-0000-4000-8000-000000000005"


def test_erin_loses_her_voip_token_and_keeps_the_other(tmp_path):
    log = tmp_path / "sipdump.data"
    log.write_bytes((LINPHONE / "sipdump.data").read_bytes())
    call_command("ingest", str(log), stderr=StringIO())
    holdings = Holding.objects.filter(device__aor=ERIN[0]).select_related("token")
    (voip,) = [row for row in holdings if row.token.kind == "voip"]
    (remote,) = [row for row in holdings if row.token.kind == "remote" and row.current]
    assert voip.missing_since is not None and remote.missing_since is None
    assert not DeviceEvent.objects.filter(kind="token_lost").exists(), "not for 60 s"

    later = (voip.missing_since + timedelta(seconds=61)).timestamp()
    block, bars, _ = log.read_bytes().partition(b"|" * 20 + b"\n")
    block = re.sub(rb"(?m)^time: .*", b"time: %.6f" % later, block, count=1)
    with log.open("ab") as file:
        file.write(block + bars)
    call_command("ingest", str(log), stderr=StringIO())
    event = DeviceEvent.objects.get(kind="token_lost")
    assert (event.device.aor, event.device.instance_id) == ERIN
    assert event.before == {"voip": voip.token.token}
    assert event.after == {"voip": None}
    assert event.moment == voip.missing_since
