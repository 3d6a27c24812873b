"""The case file of a push: what it holds, that no token is in it, what it advises."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from notifications.case_file import next_steps
from notifications.handling import settle
from notifications.models import Call, Ledger, Push
from tests import factories
from tests.browser import house
from tests.notifications import people

pytestmark = pytest.mark.django_db


def test_a_case_has_timeline_verdict_evidence_and_next_steps():
    push = house.furnished()
    case = people.browser_of("ops").get(f"/pushes/{push.pk}/case.json").json()
    assert case["verdict"]["verdict"] == "unhandled"
    assert "read past the deadline" in case["verdict"]["why"]
    assert case["strikes"]["strikes"] == 2
    told = [one["what"] for one in case["timeline"]]
    assert told[0] == "Queued by command"
    assert {"Sent to APNs", "Attempt 1: accepted 200"} < set(told)
    assert any("open the app" in step for step in case["next_steps"])
    moments = [one["at"] for one in case["timeline"]]
    assert moments == sorted(moments)


def test_no_token_is_in_clear_in_a_case_even_in_the_line_that_proves():
    factories.feed(seen_until=timezone.now())
    device = factories.registered_device()
    push = people.old_push(device)
    token = factories.token_of(device).token
    line = f"REGISTER sip:example.org SIP/2.0 pn-prid={token}:voip"
    factories.sighting(
        device, push.sent_at + (push.expires_at - push.sent_at) / 9, line=line
    )
    settle(timezone.now())
    push.refresh_from_db()
    assert push.sip_call.verdict == "handled"
    browser = people.browser_of("ops")
    for path in (f"/pushes/{push.pk}/case", f"/pushes/{push.pk}/case.json"):
        text = browser.get(path).content.decode()
        assert token not in text
        assert f"{token[:6]}…{token[-4:]}" in text
        assert "pn-prid" in text


def test_the_page_of_a_push_leads_to_its_case():
    push = people.old_push(people.reachable_device())
    page = people.browser_of("ops").get(f"/pushes/{push.pk}/").content.decode()
    assert f'href="/pushes/{push.pk}/case"' in page


@pytest.mark.parametrize("state", Push.State.values)
@pytest.mark.parametrize("push_type", Push.Type.values)
def test_every_end_of_a_push_has_a_next_step(state, push_type):
    push = people.old_push(factories.registered_device(), push_type)
    push.state = state
    assert all(next_steps(push, None, None))
    for verdict in Call.Verdict.values:
        ledger = Ledger(state="suspected", strikes=3, threshold=3)
        assert all(next_steps(push, Call(verdict=verdict), ledger))


def test_json_is_a_file_with_the_push_in_its_name():
    push = people.old_push(people.reachable_device())
    answer = people.browser_of("ops").get(f"/pushes/{push.pk}/case.json")
    assert f"case-{str(push.pk)[:8]}.json" in answer["Content-Disposition"]
    assert json.loads(answer.content)["push"]["apns_id"] == str(push.pk)


def test_the_evidence_of_an_unhandled_call_is_what_was_read_past_its_deadline():
    push = house.furnished()
    browser = people.browser_of("ops")
    case = browser.get(f"/pushes/{push.pk}/case.json").json()
    evidence = case["evidence"]
    assert evidence["deadline"] == case["verdict"]["handle_by"]
    assert evidence["read"] and all(
        one["read_until"] >= evidence["deadline"] for one in evidence["read"]
    )
    assert [one["strike"] for one in case["run"]] == [1, 2]
    assert [one["is_this_call"] for one in case["run"]].count(True) == 1
    page = browser.get(f"/pushes/{push.pk}/case").content.decode()
    assert "No evidence is kept" not in page
    assert "What was read past it holds no sign" in page
    assert "this call" in page
    for feed in case["feeds"]:
        assert feed["read_to"] in page.replace("&#x27;", "'")


def test_the_page_of_a_case_says_words_where_the_file_has_codes():
    push = people.old_push(people.reachable_device())
    Push.objects.filter(pk=push.pk).update(origin="rehearsal")
    browser = people.browser_of("ops")
    page = browser.get(f"/pushes/{push.pk}/case").content.decode()
    assert "<code>rehearsal</code>" not in page and "<code>voip</code>" not in page
    assert "<code>VoIP</code>" in page
    file = browser.get(f"/pushes/{push.pk}/case.json").json()["push"]
    assert (file["origin"], file["type"]) == ("rehearsal", "voip")
