"""`manage.py parse`: its contract, and the shared corpora against their truth (bar 2)."""

import gzip
import io
import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.corpora import CORPORA, needs_corpora
from tests.registrations.formats import (
    test_flexisip,
    test_flexisip_events,
    test_kamailio,
)

ROOT = Path(__file__).resolve().parents[2]
KEYS = {
    *("at", "format", "position", "source", "call_id", "cseq", "expires"),
    *("user_agent", "status", "aor", "contacts"),
}
CONTACT_KEYS = {
    *("uri", "instance_id", "expires", "q", "pn_provider", "pn_param", "pn_prid"),
    *("team_id", "bundle_id", "environment", "tokens", "problems"),
}


def parse(path, *options: str) -> list[dict]:
    out = io.StringIO()
    call_command("parse", str(path), *options, stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def unpacked(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else b""


def assert_contact(got: dict, truth: dict) -> None:
    assert got["uri"] == truth["uri"]
    assert got["instance_id"] == truth["instance"]
    assert got["expires"] == truth.get("effective_expires", truth["expires"])
    for name in ("pn_provider", "pn_param", "pn_prid"):
        assert got[name] == truth[name]
    expected = {k: v for k, v in truth["tokens"].items() if k != "default"}
    assert got["tokens"] == expected


@needs_corpora
@pytest.mark.parametrize(
    ("log", "truth"),
    [
        ("linphone53-kamailio/kamailio_mb.log", "linphone53-kamailio/truth.jsonl"),
        (
            "devices2000-kamailio/kamailio_mb.log.gz",
            "devices2000-kamailio/truth.jsonl.gz",
        ),
    ],
)
def test_every_register_of_the_shared_logs_reads_as_its_truth(log, truth):
    path = CORPORA / truth
    text = unpacked(path) or path.read_bytes()
    waiting = defaultdict(list)
    for row in map(json.loads, text.splitlines()):
        waiting[row["call_id"], row["cseq"]].append(row)
    for got in parse(CORPORA / log):
        row = waiting[got["call_id"], got["cseq"]].pop(0)
        assert got["aor"] == row["aor"]
        assert got["status"] in (None, row["status"])
        for contact, expected in zip(got["contacts"], row["contacts"], strict=True):
            assert_contact(contact, expected)
    assert not any(waiting.values())


@needs_corpora
def test_the_registers_of_rfc_4475_read_as_their_table_says():
    rows = (CORPORA / "rfc4475" / "truth.jsonl").read_text().splitlines()
    expected = {row["file"]: row for row in map(json.loads, rows)}
    assert len(expected) == 9
    for path in sorted((CORPORA / "rfc4475").glob("*.dat")):
        got = parse(path, "--format", "plain")
        if path.name not in expected:
            assert got == []
        elif path.name == "regbadct.dat":
            assert [row["rule"] for row in got] == ["address_bare_headers"]
        else:
            (row,), truth = got, expected[path.name]
            assert (row["aor"], row["call_id"]) == (truth["aor"], truth["call_id"])
            assert [c["uri"] for c in row["contacts"]] == [
                contact["uri"] for contact in truth["contacts"]
            ]


def test_every_key_is_always_there(tmp_path):
    path = tmp_path / "kamailio.log"
    path.write_bytes(test_kamailio.announced())
    (row,) = parse(path)
    assert set(row) == KEYS
    assert set(row["contacts"][0]) == CONTACT_KEYS
    assert (row["format"], row["source"]) == ("kamailio", "udp:127.0.0.1:15101")


def test_what_cannot_be_read_is_a_row_and_the_run_goes_on(tmp_path):
    broken = test_kamailio.MESSAGE.replace(b"<sip:a@1.2.3.4>", b"<sip:a@1.2.3.4")
    path = tmp_path / "messages.txt"
    path.write_bytes(broken + test_kamailio.MESSAGE)
    error, row = parse(path)
    assert (error["rule"], error["position"]) == ("address_unclosed", 0)
    assert set(error) == {"error", "rule", "position"}
    assert row["position"] == len(broken)


def test_the_registrars_answer_is_the_status_in_the_order_of_the_file(tmp_path):
    path = tmp_path / "flexisip.log"
    path.write_text(
        test_flexisip.new("0x1a", "one")
        + test_flexisip.new("0x2b", "two")
        + test_flexisip.reply("0x2b", "100 Trying")
        + test_flexisip.reply("0x2b", "401 Unauthorized")
        + test_flexisip.reply("0x1a"),
        newline="",
    )
    rows = parse(path)
    assert [(r["call_id"], r["status"]) for r in rows] == [("one", 200), ("two", 401)]
    assert all(row["at"].endswith("Z") for row in rows)


def test_a_gzip_is_read_as_it_is_with_positions_of_the_unpacked_stream(tmp_path):
    data = test_kamailio.line("noise") + test_kamailio.announced()
    path = tmp_path / "log.1.gz"
    path.write_bytes(gzip.compress(data))
    (row,) = parse(path)
    assert row["position"] == len(test_kamailio.line("noise"))


def test_a_summary_prints_counts(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(test_kamailio.announced() * 3)
    out = io.StringIO()
    call_command("parse", str(path), "--summary", stdout=out)
    counts = json.loads(out.getvalue())
    assert (counts["registers"], counts["format kamailio"]) == (3, 3)


def test_a_missing_file_is_one_sentence():
    with pytest.raises(CommandError, match="/no/such/file cannot be read"):
        parse("/no/such/file")


def test_standard_input_needs_no_database():
    env = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
    env["DATABASE_URL"] = "postgresql://nobody@127.0.0.1:1/none"
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "parse", "-"],
        input=test_kamailio.announced(),
        capture_output=True,
        env=env,
        check=True,
    )
    assert json.loads(done.stdout)["call_id"] == "one"


def test_a_template_of_the_operators_own_is_taken_from_the_command_line(tmp_path):
    log = tmp_path / "kamailio.log"
    log.write_text(" 1(7) INFO: <script>: REG sip:a@e.org|id 3 <sip:a@1.1.1.1>\n")
    (row,) = parse(str(log), "--xlog", "REG {to}|{call_id} {cseq} {contact}")
    assert (row["aor"], row["call_id"], row["cseq"]) == ("sip:a@e.org", "id", 3)
    with pytest.raises(CommandError, match="lacks contact"):
        parse(str(log), "--xlog", "REG {to} {call_id} {cseq}")


def test_a_tree_of_event_logs_is_one_source(tmp_path):
    for user in ("alice", "bob"):
        folder = tmp_path / "users" / "e.org" / user / "registers"
        folder.mkdir(parents=True)
        event = test_flexisip_events.line(aor=f"sip:{user}@e.org")
        (folder / "2025-03-04.log").write_text(event)
    found = parse(tmp_path, "--timezone", "UTC")
    assert [row["aor"] for row in found] == ["sip:alice@e.org", "sip:bob@e.org"]
    assert {(row["at"], row["status"]) for row in found} == {
        ("2025-03-04T10:15:42Z", 200)
    }
    assert all(set(row) == KEYS for row in found)


@pytest.mark.parametrize(
    ("log", "format", "words"),
    [
        (b"one\ntwo\n", None, "8 bytes read, no line looks like a known log"),
        (b"one\ntwo\n", "sofia", "8 bytes read, no line looks like sofia"),
        (
            "one\n".encode("utf-16"),
            None,
            "10 bytes read, it is UTF-16: convert it with iconv",
        ),
        (b"\0o\0n\0e\0\n", None, "8 bytes read, it is UTF-16: convert it with iconv"),
        (b"\0" * 64, None, "64 bytes read, no line looks like a known log"),
        (b"", None, ""),
        (b"2026-11-23T19:51:41Z vm sshd[1]: hello\n", None, ""),
        (b"2026-11-23T19:51:41Z vm sshd[1]: hello\n", "syslog", ""),
    ],
)
def test_a_file_of_which_nothing_is_known_is_told(tmp_path, log, format, words):
    path, out, err = tmp_path / "some.log", io.StringIO(), io.StringIO()
    path.write_bytes(log)
    call_command("parse", str(path), format=format, stdout=out, stderr=err)
    assert out.getvalue() == ""
    assert err.getvalue() == (f"{path}: {words}\n" if words else "")


@pytest.mark.parametrize("damage", ["cut", "garbled"])
def test_of_a_gzip_that_breaks_off_what_can_be_unpacked_is_printed_then_the_error(
    tmp_path, damage
):
    data = b"".join(
        test_kamailio.announced(test_kamailio.MESSAGE.replace(b": one", b": %d" % one))
        for one in range(20_000)
    )
    packed = gzip.compress(data)
    half = len(packed) // 2
    path, out = tmp_path / "log.1.gz", io.StringIO()
    path.write_bytes(packed[:half] + b"\xff" * 500 * (damage == "garbled"))
    with pytest.raises(CommandError, match="log.1.gz cannot be read"):
        call_command("parse", str(path), stdout=out, stderr=io.StringIO())
    rows = [json.loads(line) for line in out.getvalue().splitlines()]
    ids = [row["call_id"] for row in rows if "call_id" in row]
    # What is garbled unpacks to something for a while.
    assert ids[:5_000] == [str(one) for one in range(5_000)]


def test_a_line_without_end_before_any_format_shows_is_told(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"x" * 1_000_000 + b"\n" + test_kamailio.announced())
    rows = parse(path)
    assert [row.get("rule", row.get("call_id")) for row in rows] == [
        "line_length",
        "one",
    ]
