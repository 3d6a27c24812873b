"""The Failures page: by reason with meaning and remedy, and who may see what people did."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from notifications import at_once, failed_pushes, failure_list, failure_reasons
from notifications.failure_list import failures
from notifications.models import Call, Push, Refusal
from tests import factories
from tests.notifications import people

pytestmark = pytest.mark.django_db


def failed(state: str, reason: str = "") -> Push:
    """A push that failed just now."""
    device = factories.registered_device()
    push = factories.accepted_push(device, timezone.now(), state=state)
    Push.objects.filter(pk=push.pk).update(reason=reason)
    return push


def reasons() -> dict:
    found = failures({}, timezone.now(), sees_activity=False)
    return {one.words[0]: one for one in found.told.reasons}


def woke_nobody(device) -> None:
    """APNs took a call's push, and the phone did not wake."""
    push = factories.accepted_push(device, timezone.now())
    push.sip_call = Call.objects.create(
        token=push.token,
        call_id=push.call_id,
        verdict="unhandled",
        rule="no_proof",
        sent_at=push.sent_at,
        created_at=push.created_at,
    )
    push.save(update_fields=["sip_call"])


def test_a_reason_of_apns_stands_with_meaning_and_remedy():
    failed("rejected", "BadDeviceToken")
    one = reasons()["BadDeviceToken"]
    assert (one.number, one.devices) == (1, 1)
    assert one.words[1] == "400 · token"
    assert all(one.words[2:])


def test_an_app_that_did_not_wake_is_a_reason_of_its_own():
    woke_nobody(factories.registered_device())
    assert reasons()["App did not wake"].number == 1


@pytest.mark.parametrize("state", ["unknown", "failed", "expired", "rejected"])
def test_a_failure_without_a_reason_of_apns_is_explained_too(state):
    failed(state)
    (one,) = reasons().values()
    assert all(one.words)


@pytest.mark.parametrize(
    ("state", "reason"), [("rejected", "BadDeviceToken"), ("expired", "")]
)
def test_a_reason_leads_to_the_pushes_it_counts(state, reason):
    push = failed(state, reason)
    (one,) = reasons().values()
    failed("rejected", "Unregistered")
    page = listed(one.terms)
    assert [row.push for row in page.page.rows] == [push]


def listed(q: str):
    """The list of failed deliveries that a query leaves."""
    asked = {"tab": "deliveries", "q": q}
    return people.browser_of("ops").get("/failures/", asked).context["list"]


def test_the_trend_adds_up_to_the_number():
    for _ in range(3):
        failed("rejected", "Unregistered")
    one = reasons()["Unregistered"]
    assert sum(one.trend) == one.number == 3
    assert len(one.line.split()) == len(one.trend)


@pytest.mark.parametrize(
    ("tab", "title"),
    [("reasons", "No failed push"), ("deliveries", "No failed delivery")],
)
def test_nothing_failed_is_said_and_that_nothing_was_sent(tab, title):
    browser = people.browser_of("ops")
    page = browser.get(f"/failures/?tab={tab}").content.decode()
    assert "Nothing was sent, so nothing failed" in page
    factories.accepted_push(factories.registered_device(), timezone.now())
    page = browser.get(f"/failures/?tab={tab}").content.decode()
    assert title in page and "Nothing was sent" not in page


def test_the_tab_of_activity_is_there_for_admins_only():
    path = "/failures/?tab=activity"
    assert b"Nobody did anything" in people.browser_of("admin").get(path).content
    assert b"Activity" not in people.browser_of("ops").get(path).content


def test_what_is_understood_is_left_out_with_one_click():
    failed("rejected", "BadDeviceToken")
    other = failed("expired")
    browser = people.browser_of("ops")
    assert b"q=%20-reason%3ABadDeviceToken" in browser.get("/failures/").content
    page = browser.get("/failures/?q=-reason:BadDeviceToken").context["list"]
    assert [one.words[0] for one in page.told.reasons] == ["Expired"]
    listed = "/failures/?q=-reason:BadDeviceToken&tab=deliveries"
    rows = browser.get(listed).context["list"].page.rows
    assert [row.push for row in rows] == [other]
    assert [chip.name for chip in page.asked.chips] == ["Not reason"]
    both = "/failures/?q=-reason:BadDeviceToken+-state:expired"
    assert b"No other failure" in browser.get(both).content
    assert b"Did you mean reason:?" in browser.get("/failures/?q=-resaon:x").content


@pytest.mark.parametrize("word", ["app:org.example.other", "origin:observed"])
def test_failures_of_an_app_or_an_origin_are_asked_for(word):
    failed("expired")
    other = factories.registered_device(bundle_id="org.example.other")
    push = factories.accepted_push(other, timezone.now(), state="rejected")
    Push.objects.filter(pk=push.pk).update(reason="Unregistered", origin="observed")
    browser = people.browser_of("ops")
    for query, name in ((word, "Unregistered"), (f"-{word}", "Expired")):
        page = browser.get(f"/failures/?q={query}").context["list"]
        assert [one.words[0] for one in page.told.reasons] == [name]
    rows = browser.get(f"/failures/?q={word}&tab=deliveries").context["list"].page.rows
    assert [row.push for row in rows] == [push]


def test_hour_and_reason_are_counted_with_the_present_hour_last():
    now = timezone.now()
    for _ in range(2):
        failed("rejected", "Unregistered")
    heat = failures({}, now, sees_activity=False).told.heat
    assert (len(heat.hours), heat.hours[-1]) == (24, f"{now:%H}")
    ((reason, cells),) = heat.rows
    assert reason.words[0] == "Unregistered"
    assert sum(cell.number for cell in cells) == 2
    assert {cell.level for cell in cells} == {"", "h4"}


def test_failures_are_counted_by_app_and_version():
    push = failed("rejected", "Unregistered")
    push.device.user_agent = "LinphoneiOS/5.2.4 (iPhone 11)"
    push.device.save(update_fields=["user_agent"])
    failed("unknown")
    found = failures({}, timezone.now(), sees_activity=False).told.versions
    assert {(one.version, one.rejected, one.others) for one in found} == {
        ("5.2.4", 1, 0),
        ("", 0, 1),
    }


def test_of_more_than_are_counted_the_newest_are_told(monkeypatch):
    for number in range(3):
        failed("rejected", "BadDeviceToken" if number else "Unregistered")
    for module in (failure_reasons, failure_list, failed_pushes, at_once):
        monkeypatch.setattr(module, "COUNTED", 1)
    page = failures({}, timezone.now(), sees_activity=False)
    assert page.is_cut
    told = [(one.words[0], one.number) for one in page.told.reasons]
    assert told == [("BadDeviceToken", 2)]


def test_no_result_no_data_and_no_right_are_said_apart():
    page = people.browser_of("ops").get("/failures/?tab=deliveries&q=type:voip")
    assert "No failed delivery matches" in page.content.decode()
    page = people.browser_of("ops").get("/failures/?tab=activity").content.decode()
    assert "You may not see what people did" in page


def test_the_head_counts_what_failed_and_what_woke_nobody():
    failed("rejected", "Unregistered")
    for aor in ("sip:alice@x.org", "sip:bob@x.org"):
        woke_nobody(factories.registered_device(aor))
    page = people.browser_of("ops").get("/failures/").content.decode()
    assert "1 of 3 pushes failed (33.3 %), 2 woke nobody" in page
    left = people.browser_of("ops").get("/failures/?q=-outcome:asleep")
    assert "0 woke nobody" in left.content.decode()


def refusal(minutes: int, **values) -> Refusal:
    at = timezone.now() - timedelta(minutes=minutes)
    given = {"door": "api", "status": 422, "why": "type: must be voip", "number": 1}
    given |= {"address": "192.0.2.9", "first_at": at, "at": at, **values}
    return Refusal.objects.create(fingerprint=str(minutes), **given)


@pytest.mark.parametrize(
    "query",
    [
        "door:url",
        "status:>=500",
        "times:>1",
        "why:Secret",
        "address:198.51",
        "by:flexisip",
        "at:>30m",
        "secret",
        "-door:api",
    ],
)
def test_refused_requests_are_asked_for(query):
    refusal(1)
    values = {"door": "url", "status": 503, "number": 2, "why": "no secret is set"}
    one = refusal(40, **values, address="198.51.100.7", by="flexisip-a")
    page = people.browser_of("ops").get(f"/failures/?tab=refused&q={query}")
    assert page.context["list"].page.rows == [one]


def test_refused_requests_are_paged_both_ways_and_ordered():
    rows = [refusal(number, number=number + 1) for number in range(30)]
    browser = people.browser_of("admin")

    def shown(query: str):
        return browser.get(f"/failures/?{query}").context["list"].page

    first = shown("tab=refused&rows=25&q=door:api")
    second = shown(first.older)
    assert (first.rows, second.rows) == (rows[:25], rows[25:])
    assert shown(second.newer).rows == first.rows
    assert shown("tab=refused&sort=most&rows=25").rows == rows[:4:-1]
    assert browser.get("/export/refused.csv?q=doors:api").status_code == 400


def test_a_tab_that_is_asked_other_things_begins_without_the_query():
    page = people.browser_of("admin").get("/failures/?tab=reasons&span=7d&q=type:voip")
    tabs = {tab.name: tab.address for tab in page.context["list"].tabs}
    assert "q=type%3Avoip" in tabs["deliveries"]
    assert "q=" not in tabs["refused"] and "q=" not in tabs["activity"]
    assert all("span=7d" in address for address in tabs.values())


def test_failed_deliveries_are_shown_the_oldest_first():
    older, newer = failed("expired"), failed("rejected", "Unregistered")
    page = people.browser_of("ops").get("/failures/?tab=deliveries&sort=oldest")
    rows = page.context["list"].page.rows
    assert [row.push.pk for row in rows] == [older.pk, newer.pk]
