"""Log → rows: who is there, with which tokens; read twice, killed, out of order."""

from __future__ import annotations

import gzip
import json
import shutil
from datetime import UTC, datetime
from io import StringIO, TextIOWrapper

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registrations.management.commands.export import device_rows
from registrations.models import Device, DeviceEvent, Feed, Registration, Sighting
from tests.corpora import CORPORA, needs_corpora, rows
from tests.registrations.formats import test_flexisip_events

TOKEN, OTHER = "a" * 64, "b" * 64
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")


def register(
    cseq: int,
    *,
    at: str = "08:00:00:001",
    status: int | None = 200,
    token: str = TOKEN,
    instance: str = "urn:uuid:1",
    contact: str = "",
    expires: int = 3600,
    authorized: bool = True,
    call_id: str = "c1",
) -> str:
    """One received REGISTER and its answer as Flexisip 2.5 logs them at debug level."""
    stamp = f"2026-11-24 {at}"
    credentials = 'Authorization: Digest username="alice"\r\n' if authorized else ""
    contact = contact or (
        f"<sip:alice@192.0.2.1;pn-provider=apns;pn-param=T.org.example.app.voip;"
        f'pn-prid={token}>;+sip.instance="<{instance}>"'
    )
    text = (
        f"{stamp} flexisip-message- A::b - Received SIP request [0x{cseq}] REGISTER\n"
        f"{stamp} flexisip-debug- A::b - Message:\n"
        "REGISTER sip:example.org SIP/2.0\r\nTo: <sip:alice@example.org>\r\n"
        f"Call-ID: {call_id}\r\nCSeq: {cseq} REGISTER\r\nContact: {contact}\r\n"
        f"Expires: {expires}\r\n{credentials}\r\n"
    )
    if status is None:
        return text
    reply = f"RequestSipEvent[0x{cseq}]::reply - Replying to SIP request: {status} x"
    return text + f"{stamp} flexisip-message- {reply}\n"


def ingest(tmp_path, *registers: str, name: str = "flexisip.log") -> None:
    log = tmp_path / name
    with log.open("ab") as file:
        file.write("".join(registers).encode())
    call_command("ingest", str(log), stderr=StringIO())


@needs_corpora
def test_two_thousand_devices_end_as_their_truth_says_and_twice_is_once(tmp_path):
    log = CORPORA / "devices2000-kamailio" / "kamailio_mb.log.gz"
    call_command("ingest", str(log), stderr=StringIO())
    first = [json.dumps(row) for row in device_rows()]
    counts = (Registration.objects.count(), Sighting.objects.count())
    plain = tmp_path / "kamailio_mb.log"
    with gzip.open(log) as packed, plain.open("wb") as unpacked:
        shutil.copyfileobj(packed, unpacked)
    call_command("ingest", str(log), str(plain), stderr=StringIO())
    assert [json.dumps(row) for row in device_rows()] == first
    assert (Registration.objects.count(), Sighting.objects.count()) == counts
    truth = {
        (row["aor"], row["instance"]): row["final"]
        for row in rows("devices2000-kamailio/truth_devices.jsonl.gz")
    }
    assert len(first) == len(truth) == 2100
    for row in map(json.loads, first):
        final = truth[row["aor"], row["instance_id"]]
        assert (row["bound"], row["tokens"]) == (final["registered"], final["tokens"])
        assert row["contact"] == final["contact"]


def test_the_401_round_is_one_registration_of_the_first_copys_moment(tmp_path):
    first = register(1, status=401, authorized=False)
    ingest(
        tmp_path, first, register(2, at="08:00:00:900"), register(2, at="08:00:01:000")
    )
    (row,) = Registration.objects.all()
    assert row.moment.microsecond == 1000
    kinds = list(Sighting.objects.order_by("id").values_list("kind", flat=True))
    assert kinds == ["challenged", "register"]


def test_a_device_only_challenged_is_known_and_not_registered(tmp_path):
    ingest(tmp_path, register(1, status=401, authorized=False))
    device = Device.objects.get()
    assert (device.accepted, device.bound) == (False, False)
    assert not device.holdings.exists()
    assert not Registration.objects.exists()


def test_a_refused_register_registers_nothing(tmp_path):
    ingest(tmp_path, register(1, status=403))
    assert not Device.objects.filter(bound=True).exists()


def test_a_new_instance_with_the_same_token_is_a_reinstall(tmp_path):
    again = register(1, at="09:00:00:000", instance="urn:uuid:2", call_id="c2")
    ingest(tmp_path, register(1), again)
    event = DeviceEvent.objects.get(kind="reinstalled")
    assert event.device.instance_id == "urn:uuid:2"
    assert event.before == {"instance_id": "urn:uuid:1"}
    assert event.after == {"instance_id": "urn:uuid:2"}
    assert not Device.objects.get(instance_id="urn:uuid:1").bound


def test_a_new_token_ends_the_holding_of_the_old_one(tmp_path):
    ingest(tmp_path, register(1), register(2, at="09:00:00:000", token=OTHER))
    (row,) = device_rows()
    assert row["tokens"] == {"voip": OTHER}
    assert [held["current"] for held in row["token_history"]] == [False, True]
    assert DeviceEvent.objects.get().kind == "token_changed"


def test_expires_zero_and_a_star_unbind(tmp_path):
    ingest(tmp_path, register(1), register(2, at="08:01:00:000", expires=0))
    assert not Device.objects.get().bound
    ingest(tmp_path, register(3, at="08:02:00:000"))
    assert Device.objects.get().bound
    ingest(tmp_path, register(4, at="08:03:00:000", contact="*", expires=0))
    assert not Device.objects.get().bound


def test_an_older_register_read_late_changes_nothing_of_today(tmp_path):
    late = register(9, at="07:00:00:000", token=OTHER, call_id="c0")
    ingest(tmp_path, register(1), late)
    (row,) = device_rows()
    assert row["tokens"] == {"voip": TOKEN}
    assert Registration.objects.count() == 2


def test_reading_goes_on_at_the_exact_byte(tmp_path):
    ingest(tmp_path, register(1), register(2, at="08:10:00:000", status=None))
    ingest(tmp_path, register(3, at="08:20:00:000"))
    assert sorted(Registration.objects.values_list("cseq", flat=True)) == [1, 3]
    assert Feed.objects.get().register_count == 3


def test_what_cannot_be_read_is_kept_with_its_rule(tmp_path):
    ingest(tmp_path, register(1, contact="<sip:alice@192.0.2.1"), register(2))
    rejected = Feed.objects.get().rejected.get()
    assert rejected.rule == "address_unclosed"
    assert "Digest" in rejected.excerpt
    assert "username" not in rejected.excerpt
    assert Device.objects.get().bound


def test_what_a_terminal_or_a_page_would_obey_is_stored_as_escapes(tmp_path):
    hostile = "<sip:\x1b[31mred\u202eevil@192.0.2.1;pn-provider=apns;pn-param=T.a.voip>"
    ingest(tmp_path, register(1, contact=hostile))
    device = Device.objects.get()
    assert device.contact.startswith("sip:\\x1b[31mred\\u202eevil@")
    line = Registration.objects.get().line
    assert all(one.isprintable() for one in line.replace("\n", ""))
    assert "\nContact: <sip:\\x1b[31mred" in line


def test_nul_bytes_break_nothing(tmp_path):
    contact = '<sip:al\0ice@192.0.2.1>;+sip.instance="<urn:uuid:\0>"'
    ingest(tmp_path, register(1, contact=contact))
    assert "\\x00" in Device.objects.get().contact


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CommandError, match="nowhere.log"):
        call_command("ingest", str(tmp_path / "nowhere.log"))


def test_the_template_of_a_feed_is_kept_for_its_next_reading(tmp_path):
    log = tmp_path / "kamailio.log"
    line = " 1(7) INFO: <script>: REG sip:{0}@e.org|{0} 3 <sip:{0}@1.1.1.1>\n"
    log.write_text(line.format("a"))
    template = "REG {to}|{call_id} {cseq} {contact}"
    call_command("ingest", str(log), "--xlog", template, stderr=StringIO())
    log.write_text(line.format("a") + line.format("b"))
    call_command("ingest", str(log), stderr=StringIO())
    aors = set(Device.objects.values_list("aor", flat=True))
    assert aors == {"sip:a@e.org", "sip:b@e.org"}


def test_the_time_zone_of_a_feed_is_kept_for_its_next_reading(tmp_path):
    log = tmp_path / "flexisip.log"
    log.write_text(register(1))
    call_command("ingest", str(log), "--timezone", "Asia/Tokyo", stderr=StringIO())
    assert Device.objects.get().last_registered_at == datetime(
        2026, 11, 23, 23, 0, 0, 1000, UTC
    )
    ingest(tmp_path, register(2, at="08:30:00:000", call_id="c2"))
    assert Device.objects.get().last_registered_at == datetime(
        2026, 11, 23, 23, 30, tzinfo=UTC
    )


def test_a_time_zone_nobody_knows_is_named(tmp_path):
    with pytest.raises(CommandError, match="no time zone 'Mars/Base'"):
        call_command("ingest", str(tmp_path / "x.log"), "--timezone", "Mars/Base")


def test_a_tree_of_event_logs_is_one_feed_and_read_again_changes_nothing(tmp_path):
    for number in range(3):
        folder = tmp_path / f"users/e.org/u{number}/registers"
        folder.mkdir(parents=True)
        event = test_flexisip_events.line(aor=f"sip:u{number}@e.org")
        (folder / "2025-03-04.log").write_text(event)
    for _ in range(2):
        call_command("ingest", str(tmp_path), "--feed", "events", stderr=StringIO())
        assert Registration.objects.count() == Device.objects.count() == 3
    assert {device.accepted for device in Device.objects.all()} == {True}
    with (folder / "2025-03-04.log").open("a") as log:
        log.write(test_flexisip_events.line("Unregistered", aor="sip:u2@e.org"))
    call_command("ingest", str(tmp_path), "--feed", "events", stderr=StringIO())
    assert Device.objects.filter(bound=True).count() <= 2
    assert not Device.objects.get(aor="sip:u2@e.org").bound


@pytest.mark.parametrize(("is_file", "said"), [(True, ["off", "on"]), (False, [])])
def test_only_what_can_be_read_again_is_committed_without_waiting(
    tmp_path, monkeypatch, is_file, said
):
    log = tmp_path / "proxy.log"
    log.write_text(register(1))
    with log.open("rb") as stream, CaptureQueriesContext(connection) as queries:
        monkeypatch.setattr("sys.stdin", TextIOWrapper(stream))
        call_command("ingest", str(log) if is_file else "-", stderr=StringIO())
    told = [query["sql"] for query in queries]
    prefix = "SET synchronous_commit = "
    assert [sql[len(prefix) :] for sql in told if sql.startswith(prefix)] == said
    assert Device.objects.exists()


def test_a_file_of_which_nothing_is_known_is_a_trouble_of_its_feed(tmp_path):
    log, told = tmp_path / "odd.log", StringIO()
    log.write_bytes(b"one\ntwo\n")
    call_command("ingest", str(log), stderr=told)
    words = "8 bytes read, no line looks like a known log"
    assert Feed.objects.get().trouble == f"odd.log: {words}"
    assert f"{log}: {words}" in told.getvalue()
