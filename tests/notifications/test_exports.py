"""Lists as files: what the address leaves, masked, harmless, audited, streamed."""

from __future__ import annotations

import csv
import io
import json
import uuid
from datetime import timedelta
from urllib.request import Request, urlopen

import pytest
from django.db.models import Value
from django.db.models.functions import Concat
from django.utils import timezone

from notifications import audit, exports
from notifications.handling import settle
from notifications.models import (
    AuditEntry,
    Bulk,
    BulkItem,
    Push,
    Refusal,
    TokenHealth,
)
from registrations.models import Device, Holding
from tests import factories
from tests.notifications import people
from tests.people import person, session_of

pytestmark = [
    pytest.mark.django_db,
    # The test client is the one reader that collects what is streamed.
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume"),
]


def exported(name: str, query: str = "") -> list[dict]:
    """Both forms of a list; they must say the same."""
    browser = people.browser_of("admin")
    text = b"".join(browser.get(f"/export/{name}.ndjson?{query}")).decode()
    rows = [json.loads(line) for line in text.splitlines()]
    sheet = b"".join(browser.get(f"/export/{name}.csv?{query}")).decode()
    lines = list(csv.DictReader(io.StringIO(sheet, newline="")))
    assert lines == [
        {key: "" if value is None else str(value) for key, value in row.items()}
        for row in rows
    ]
    return rows


def test_devices_are_exported_as_the_query_leaves_them_with_tokens_masked():
    alice = factories.registered_device("sip:alice@example.org")
    Device.objects.update(contact=Concat("contact", Value(";pn-prid=00fc13")))
    factories.registered_device("sip:bob@example.org")
    (row,) = exported("devices", "q=alice")
    token = factories.token_of(alice)
    assert row["aor"] == "sip:alice@example.org"
    assert row["voip"] == token.masked
    assert row["remote"] == factories.token_of(alice, "remote").masked
    assert row["contact"] == alice.contact
    assert token.token not in json.dumps(row)
    assert len(exported("devices")) == 2


def test_devices_are_exported_with_what_the_list_shows_of_them():
    now = timezone.now()
    factories.feed(seen_until=now + timedelta(hours=1))
    alice = factories.registered_device("sip:alice@example.org")
    push = factories.accepted_push(alice, now - timedelta(minutes=9))
    settle(now)
    TokenHealth.objects.create(
        token=factories.token_of(alice, "remote"), state="retired", at=now
    )
    problems = [{"rule": "token_count"}, {"rule": "token_form"}]
    Device.objects.update(problems=problems, last_seen_at=now, bound=False)
    (row,) = exported("devices")
    ledger = push.token.ledger
    assert (row["state"], row["strikes"]) == (ledger.state, ledger.strikes)
    assert row["strikes"] == 1
    assert (row["voip_health"], row["remote_health"]) == ("valid", "retired")
    assert row["problems"] == "token_count token_form"
    assert row["bound"] == "no"
    assert row["last_seen_at"] == now.isoformat()


def test_a_device_without_tokens_or_ledger_is_exported_with_empty_cells():
    device = factories.registered_device()
    Holding.objects.filter(device=device, token__kind="remote").update(current=False)
    (row,) = exported("devices")
    assert (row["state"], row["strikes"], row["problems"]) == (None, None, "")
    assert (row["voip_health"], row["remote_health"]) == ("valid", None)
    Holding.objects.filter(device=device).update(current=False)
    (row,) = exported("devices")
    assert (row["voip"], row["voip_health"]) == (None, None)


def test_devices_are_exported_by_one_query_for_some_at_a_time(
    monkeypatch, django_assert_num_queries
):
    monkeypatch.setattr(exports, "AT_ONCE", 2)
    for _ in range(5):
        factories.registered_device()
    found = exports.LISTS["devices"].rows({}, timezone.now())
    with django_assert_num_queries(3):
        assert sum(map(len, found)) == 5


def test_failed_deliveries_are_exported_by_when_they_ended_as_on_their_page(
    monkeypatch,
):
    monkeypatch.setattr(exports, "AT_ONCE", 1)
    device, now = factories.registered_device(), timezone.now()
    for days, ended in ((9, 1), (8, 2), (9, 8)):
        push = factories.accepted_push(
            device, now - timedelta(days=days), state="rejected"
        )
        Push.objects.filter(pk=push.pk).update(ended_at=now - timedelta(days=ended))
    rows = exported("failed", "span=7d")
    page = people.browser_of("admin").get("/failures/?tab=deliveries&span=7d")
    shown = [str(row.push.pk) for row in page.context["list"].page.rows]
    assert [row["id"] for row in rows] == shown
    assert len(rows) == 2
    assert rows[0]["ended_at"] > rows[1]["ended_at"]


def test_pushes_are_exported_as_the_filters_leave_them():
    device = factories.registered_device("sip:alice@example.org")
    now = timezone.now()
    newest = factories.accepted_push(device, now)
    old = factories.accepted_push(device, now - timedelta(days=3))
    assert [row["apns_id"] for row in exported("pushes")] == [str(newest.pk)]
    rows = exported("pushes", "span=7d&type=voip")
    assert [row["apns_id"] for row in rows] == [str(newest.pk), str(old.pk)]
    assert rows[0]["state"] == "accepted"
    assert exported("pushes", "span=7d&type=alert") == []


def test_rows_come_in_order_across_pieces(monkeypatch):
    monkeypatch.setattr(exports, "AT_ONCE", 2)
    devices = [factories.registered_device() for _ in range(5)]
    found = [row["instance_id"] for row in exported("devices")]
    assert found == [device.instance_id for device in reversed(devices)]


def test_each_export_is_audited_with_its_query():
    exported("devices", "q=alice")
    entries = AuditEntry.objects.order_by("pk")
    assert [entry.action for entry in entries] == ["export.devices"] * 2
    assert entries[0].detail["query"] == "q=alice"


def test_a_wrong_query_is_refused_with_its_fault_and_not_audited():
    answer = people.browser_of("admin").get("/export/devices.csv?q=stat:fine")
    assert answer.status_code == 400
    assert b"Did you mean state:?" in answer.content
    assert not AuditEntry.objects.exists()


def sheet_of(address: str) -> dict[str, str]:
    """The one row of a CSV file."""
    text = b"".join(people.browser_of("admin").get(address)).decode()
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    return row


@pytest.mark.parametrize("first", [*"=+-@\t\r"])
def test_a_spreadsheet_runs_nothing_that_others_sent(first):
    """Of phones, SIP servers, APNs and people."""
    text = f'{first}HYPERLINK("http://192.0.2.1")'
    device, now = factories.registered_device(), timezone.now()
    Device.objects.update(user_agent=text, aor=text)
    push = factories.accepted_push(device, now, call_id=text, state="rejected")
    Push.objects.filter(pk=push.pk).update(reason=text)
    bulk = Bulk.objects.create(
        id=uuid.uuid4(),
        by=people.person("admin"),
        kind="remote",
        rate=1,
        created_at=now,
        starts_at=now,
    )
    BulkItem.objects.create(bulk=bulk, push=push, result="refused", why=text)
    audit.note(people.person("admin"), "push.resend", text, now, reason=text)
    for address, names in {
        "/export/devices.csv": ["aor", "user_agent"],
        "/export/pushes.csv": ["aor", "call_id", "reason"],
        f"/bulks/{bulk.pk}/results.csv": ["aor", "why"],
        "/export/audit.csv?q=action:push.resend": ["object", "reason"],
    }.items():
        row = sheet_of(address)
        assert {name: row[name] for name in names} == dict.fromkeys(names, f"'{text}")


@pytest.mark.django_db(transaction=True)
def test_the_server_streams_it(base_url):
    factories.registered_device("sip:alice@example.org")
    session = session_of(person("anna", "export"))
    request = Request(
        f"{base_url}/export/devices.csv", headers={"Cookie": f"sessionid={session}"}
    )
    with urlopen(request, timeout=30) as answer:
        assert answer.headers["Content-Length"] is None
        assert "sip:alice@example.org" in answer.read().decode()


def test_refused_requests_are_exported_as_their_time_leaves_them():
    now = timezone.now()
    values = {"door": "api", "status": 422, "why": "type: must be voip", "number": 3}
    for days, print_of in ((0, "1"), (9, "2")):
        at = now - timedelta(days=days)
        Refusal.objects.create(
            **values, first_at=at, at=at, fingerprint=print_of, asked={"type": "=1+1"}
        )
    (row,) = exported("refused", "span=7d")
    assert (row["door"], row["status"], row["times"]) == ("api", 422, 3)
    assert row["asked"] == '{"type": "=1+1"}'
    assert len(exported("refused", "span=30d")) == 2


@pytest.mark.parametrize(
    ("tab", "wanted"),
    [
        ("reasons", "/export/failures.csv?span=7d"),
        ("deliveries", "/export/failed.csv?span=7d"),
        ("refused", "/export/refused.csv?span=7d"),
        ("activity", "/export/audit.csv?span=7d"),
    ],
)
def test_each_tab_of_failures_exports_what_it_shows(tab, wanted):
    page = people.browser_of("admin").get(f"/failures/?tab={tab}&span=7d")
    assert wanted in page.content.decode()
