"""Pushes that Flexisip sent by itself: from its log to verdicts and strikes."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db.models import F

from notifications import observed, tasks
from notifications.handling import settle
from notifications.models import App, Attempt, Call, Ledger, Push, TokenHealth
from notifications.observed import observe
from registrations.models import Device, Feed, Holding, PushLine
from tests.factories import app, registered_device, sighting, token_of
from tests.notifications import people
from tests.notifications.flexisip_pushes import NEW, OLD, logged

pytestmark = pytest.mark.django_db
START = datetime(2026, 11, 24, 9, tzinfo=UTC)
NOW = START + timedelta(hours=1)


@pytest.fixture
def phone():
    return registered_device()


@pytest.fixture
def read(tmp_path):
    """Append to the log, read on, and take in what it tells."""
    log = Path(tmp_path) / "flexisip-proxy.log"
    log.touch()

    def go_on(*texts: str, minutes: float = 0) -> list[Push]:
        text = "".join(texts)
        if minutes:
            at = (START + timedelta(minutes=minutes)).astimezone()
            text += f"{at:%Y-%m-%d %H:%M:%S}:000 flexisip-debug-nothing of note\n"
        with log.open("a") as file:
            file.write(text)
        call_command("ingest", str(log), feed="proxy", format="flexisip")
        return observe(NOW)

    return go_on


def of(device: Device, wording: str = OLD, second: float = 0, **said) -> str:
    kind = "remote" if said.get("kind") in {"alert", "background"} else "voip"
    values = {
        "token": token_of(device, kind).token,
        "at": START + timedelta(seconds=second),
        "instance": device.instance_id.strip("<>"),
        **said,
    }
    return logged(wording, **values)


@pytest.mark.parametrize("wording", [OLD, NEW])
def test_a_confirmed_push_is_accepted_at_the_moments_of_the_log(read, phone, wording):
    (push,) = read(of(phone, wording, second=60))
    assert (push.origin, push.state, push.device) == ("observed", "accepted", phone)
    assert push.sent_at == START + timedelta(seconds=60)
    assert push.accepted_at == START + timedelta(seconds=60.1)
    assert (push.call_id, push.topic) == ("call-1", "org.example.phone.voip")
    attempt = Attempt.objects.get()
    assert (attempt.outcome, attempt.status) == ("accepted", 200)
    assert attempt.apns_id == "0e5c0000-0000-4000-8000-000000000001"
    assert not Push.objects.filter(state__in=["queued", "sending"]).exists()


def test_three_unanswered_calls_are_strikes_and_an_answered_one_is_handled(read, phone):
    app()
    sighting(
        phone, START - timedelta(minutes=1), feed=Feed.objects.create(name="proxy")
    )
    calls = [
        of(phone, second=600 * n, call_id=f"c{n}", pointer=f"0x{n}") for n in range(3)
    ]
    read(*calls, minutes=40)
    settle(NOW)
    assert [call.verdict for call in Call.objects.all()] == ["unhandled"] * 3
    assert Ledger.objects.get().strikes == 3
    sighting(phone, START + timedelta(minutes=45, seconds=3), feed=Feed.objects.get())
    read(of(phone, second=2700, call_id="c9"), minutes=50)
    settle(NOW)
    assert Call.objects.get(call_id="c9").verdict == "handled"
    assert Ledger.objects.get().strikes == 0


def test_a_push_apns_refused_has_its_reason_and_counts_for_nothing(read, phone):
    (push,) = read(of(phone, status=410, reason="Unregistered"), minutes=10)
    settle(NOW)
    assert (push.state, push.reason) == ("rejected", "Unregistered")
    assert Call.objects.get().verdict == "not_counted"


@pytest.mark.parametrize(
    ("status", "reason", "registered", "state"),
    [
        (410, "Unregistered", -60, "retired"),
        (410, "Unregistered", +60, None),  # a REGISTER since then: stale
        (400, "BadDeviceToken", -60, "quarantined"),
        (400, "DeviceTokenNotForTopic", -60, "wrong_topic"),
        (200, "", -60, "valid"),
    ],
)
def test_what_apns_told_the_server_of_a_token_holds_here_too(
    read, phone, status, reason, registered, state
):
    Device.objects.update(last_registered_at=START + timedelta(seconds=registered))
    read(of(phone, status=status, reason=reason), minutes=10)
    found = TokenHealth.objects.filter(token=token_of(phone)).first()
    assert (found and found.state) == state


def test_refusals_of_a_whole_app_are_the_servers_mistake_and_retire_no_token(read):
    phones = [registered_device() for _ in range(20)]
    lines = [
        of(one, status=400, reason="BadDeviceToken", call_id=f"c{n}", pointer=f"0x{n}")
        for n, one in enumerate(phones)
    ]
    assert len(read(*lines, minutes=10)) == 20
    assert not TokenHealth.objects.exclude(state="valid").exists()


@pytest.mark.parametrize("said", [{"status": None}, {"answered_after": None}])
def test_a_push_nobody_confirmed_is_unknown_and_not_counted(read, phone, said):
    (push,) = read(of(phone, **said), minutes=10)
    settle(NOW)
    assert push.state == "unknown"
    call = Call.objects.get()
    assert (call.verdict, call.rule) == ("not_counted", "unknown")


def test_an_answer_is_waited_for_while_it_may_come(read, phone):
    whole = of(phone)
    begun = of(phone, answered_after=None)
    assert read(begun) == []
    Feed.objects.update(last_read_at=NOW)
    assert observe(NOW) == []
    (push,) = read(whole.removeprefix(begun))
    assert push.state == "accepted"
    assert read(minutes=5) == []


def test_a_log_read_again_tells_nothing_twice(read, phone):
    read(of(phone), minutes=1)
    PushLine.objects.update(key="0x7f00")
    lines = [
        {f.attname: getattr(line, f.attname) for f in PushLine._meta.concrete_fields}
        for line in PushLine.objects.order_by("id")
    ]
    for values in lines:
        values.pop("id")
        PushLine.objects.create(**values)
    Feed.objects.update(push_line_count=F("push_line_count") + len(lines))
    assert observe(NOW) == []
    assert Push.objects.count() == 1


def test_the_retransmissions_of_a_call_are_one_call(read, phone):
    read(of(phone), of(phone, second=5, pointer="0x2"), minutes=10)
    settle(NOW)
    assert Push.objects.count() == 2
    assert Call.objects.get().pushes_accepted == 2


def test_of_two_accounts_on_a_phone_the_one_on_the_instance_is_meant(read, phone):
    other = registered_device("sip:work@example.org", voip=token_of(phone))
    (push,) = read(of(phone))
    assert push.device == phone
    (push,) = read(of(other, pointer="0x2"), minutes=1)
    assert push.device == other


def test_a_remote_push_is_of_the_remote_token_and_no_call(read, phone):
    said = {"kind": "alert", "topic": "org.example.phone"}
    (push,) = read(of(phone, **said))
    assert (push.push_type, push.token) == ("alert", token_of(phone, "remote"))
    settle(NOW)
    assert not Call.objects.exists()


def test_a_device_is_found_by_its_instance_where_only_payloads_are_logged(read, phone):
    text = of(phone).replace("/3/device/", "/")
    (push,) = read(text)
    assert push.token == token_of(phone)


def test_an_app_nobody_set_up_is_added_and_an_unknown_token_is_left(read, phone):
    assert not App.objects.exists()
    read(of(phone), of(phone, token="ee" * 32, instance="urn:uuid:9", pointer="0x2"))
    assert App.objects.get().name == "org.example.phone"
    assert Push.objects.count() == 1


def test_a_token_that_was_replaced_meanwhile_is_still_its_device(read, phone):
    text = of(phone)
    Holding.objects.update(current=False)
    assert read(text)[0].device == phone


def test_the_worker_that_settles_takes_them_in(tmp_path, phone):
    log = tmp_path / "proxy.log"
    log.write_text(of(phone))
    call_command("ingest", str(log), feed="proxy", format="flexisip")
    tasks.settle()
    assert Push.objects.get().sip_call is not None


def test_its_page_says_that_the_server_sent_it(read, phone):
    (push,) = read(of(phone))
    page = people.browser_of("ops").get(f"/pushes/{push.pk}/").content.decode()
    assert "Logged" in page
    assert "The SIP server made and sent it" in page
    assert push.attempts.get().apns_id in page


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")
@pytest.mark.parametrize("is_known", [True, False])
def test_lists_files_and_the_case_say_the_apns_id_that_flexisip_logged(
    read, phone, is_known
):
    text = of(phone)
    if not is_known:
        text = re.sub(r".*apns-id = .*\n", "", text)
    (push,) = read(text)
    wanted = push.attempts.get().apns_id
    assert bool(wanted) == is_known and wanted != str(push.pk)
    browser = people.browser_of("admin")
    (row,) = browser.get("/pushes/?span=all").context["list"].rows
    (line,) = b"".join(browser.get("/export/pushes.ndjson?span=all")).splitlines()
    case = browser.get(f"/pushes/{push.pk}/case.json").json()
    found = {row.row.push.apns_id, json.loads(line)["apns_id"]}
    assert found | {case["push"]["apns_id"]} == {wanted}
    assert json.loads(line)["id"] == case["push"]["id"] == str(push.pk)
    page = browser.get(f"/pushes/{push.pk}/").content.decode()
    assert f"apns-id</span>: {push.pk}" not in page


def test_a_feed_without_news_costs_no_look_at_its_lines(
    read, phone, django_assert_num_queries
):
    read(of(phone))
    # The lock, what was looked at, the feeds; the transaction is a savepoint here.
    with django_assert_num_queries(5):
        assert observe(NOW) == []


@pytest.mark.parametrize("most", [3, 4, 5])
def test_pushes_beyond_one_round_are_taken_in_the_next(read, phone, monkeypatch, most):
    monkeypatch.setattr(observed, "MOST", most)
    texts = [of(phone, second=n, call_id=f"c{n}", pointer=f"0x{n}") for n in range(5)]
    found = read(*texts, minutes=30)
    while more := observe(NOW):
        found += more
    assert {push.call_id for push in found} == {f"c{n}" for n in range(5)}
    assert {push.state for push in found} == {"accepted"}
