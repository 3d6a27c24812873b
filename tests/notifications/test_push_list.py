"""The Pushes page: facets that count, filters in the address, both ways through it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from notifications import at_once, device_terms, push_list
from notifications.models import Call, Ledger, Push, TokenHealth
from notifications.push_outcomes import OUTCOMES, outcome_named
from tests import factories
from tests.notifications import people

pytestmark = pytest.mark.django_db


def listed(query: str = ""):
    """What the page shows for an address."""
    return people.browser_of("ops").get(f"/pushes/?{query}").context["list"]


def numbers(page, name: str) -> dict[str, int]:
    (facet,) = [facet for facet in page.facets if facet.name == name]
    return {option.value: option.number for option in facet.options}


def judged(verdict: str, rule: str, state: str = "accepted", push_type: str = "voip"):
    """A push whose call has that verdict."""
    device = factories.registered_device()
    push = factories.accepted_push(
        device, timezone.now(), push_type=push_type, state=state
    )
    if push_type == "voip" and verdict:
        push.sip_call = Call.objects.create(
            token=push.token,
            call_id=push.call_id,
            verdict=verdict,
            rule=rule,
            evidence={"kind": "register"},
            created_at=push.created_at,
        )
        push.save(update_fields=["sip_call"])
    return push


@pytest.mark.parametrize("state", Push.State.values)
@pytest.mark.parametrize("push_type", ["voip", "alert"])
@pytest.mark.parametrize(
    ("verdict", "rule"),
    [
        ("", ""),
        ("awaited", ""),
        ("handled", "register"),
        ("handled", "late"),
        ("unhandled", "no_proof"),
        ("exempt", "foreground"),
        ("not_counted", "late"),
        ("not_counted", "ambiguous"),
    ],
)
def test_every_push_has_one_outcome_and_the_filter_finds_it(
    state, push_type, verdict, rule
):
    push = judged(verdict, rule, state, push_type)
    is_judged = push_type == "voip" and verdict
    name = outcome_named(
        push_type, state, verdict if is_judged else "awaited", rule if is_judged else ""
    )
    found = [
        outcome
        for outcome, (_, _, rows) in OUTCOMES.items()
        if Push.objects.filter(rows, pk=push.pk).exists()
    ]
    assert found == [name]


def test_facets_count_what_they_would_show():
    judged("unhandled", "no_proof")
    judged("handled", "register")
    judged("", "", push_type="alert")
    page = listed()
    assert numbers(page, "type") == {"voip": 2, "alert": 1}
    assert numbers(page, "outcome") == {"asleep": 1, "woken": 1, "remote": 1}
    assert (page.total, page.matching) == (3, 3)


def test_a_facet_counts_beside_the_choices_of_the_others():
    judged("unhandled", "no_proof")
    judged("", "", push_type="alert")
    page = listed("type=alert")
    assert numbers(page, "outcome") == {"remote": 1}
    assert numbers(page, "type") == {"voip": 1, "alert": 1}
    assert (page.matching, len(page.rows)) == (1, 1)


def test_two_choices_of_a_facet_show_both():
    judged("unhandled", "no_proof")
    judged("", "", state="rejected")
    judged("handled", "register")
    page = listed("outcome=asleep&outcome=rejected")
    assert len(page.rows) == page.matching == 2
    assert [chip.without for chip in page.chips] == [
        "outcome=rejected",
        "outcome=asleep",
    ]


def test_outcomes_of_several_parts_go_on_both_ways():
    """In flight and lost are found part by part, and stand in one order all the same."""
    device = factories.registered_device()
    states = ("queued", "sending", "unknown", "failed", "expired", "accepted")
    pushes = [people.old_push(device) for _ in range(60)]
    for place, push in enumerate(pushes):
        push.state = states[place % len(states)]
        push.accepted_at = push.created_at
        push.save()
    judged("handled", "register")
    newest = sorted(pushes, key=lambda push: (push.created_at, push.pk), reverse=True)
    for sort, wanted in (("", newest), ("&sort=oldest", newest[::-1])):
        first = listed(f"outcome=lost&outcome=flying&span=all{sort}")
        second = listed(first.older)
        seen = [row.row.push for row in [*first.rows, *second.rows]]
        assert seen == wanted
        assert first.matching == len(wanted)
        assert [row.row.push for row in listed(second.newer).rows] == seen[:50]


@pytest.mark.parametrize("types", ["q=-type:voip", "type=alert", "q=type:alert"])
def test_outcomes_of_calls_are_not_looked_for_among_other_pushes(types):
    judged("handled", "late")
    judged("unhandled", "no_proof")
    alert = judged("", "", push_type="alert")
    waiting = judged("", "", state="queued", push_type="alert")
    assert listed(f"outcome=late&outcome=asleep&{types}").rows == []
    page = listed(f"outcome=late&outcome=remote&{types}")
    assert [row.row.push for row in page.rows] == [alert]
    page = listed(f"outcome=flying&outcome=asleep&{types}")
    assert [row.row.push for row in page.rows] == [waiting]


def test_what_apns_took_has_no_reason_to_be_found_by():
    judged("handled", "late")
    judged("", "", push_type="alert")
    refused = judged("", "", state="rejected", push_type="alert")
    Push.objects.filter(pk=refused.pk).update(reason="Unregistered")
    address = "outcome=late&outcome=remote&outcome=rejected&reason=Unregistered"
    assert [row.row.push for row in listed(address).rows] == [refused]
    assert listed("outcome=late&outcome=remote&reason=Unregistered").rows == []


def test_of_more_than_are_counted_the_page_says_how_many_of_the_newest_match(
    monkeypatch,
):
    for module in (push_list, at_once):
        monkeypatch.setattr(module, "COUNTED", 1)
    judged("", "", state="rejected")
    judged("handled", "register")
    judged("unhandled", "no_proof")
    page = listed("outcome=asleep")
    assert (page.matching, page.among, len(page.rows)) == (None, 1, 1)
    said = people.browser_of("ops").get("/pushes/?outcome=asleep").content.decode()
    assert "1 of the newest 10,000 match" in said


def test_the_beginning_of_many_aors_is_looked_for_among_the_newest(monkeypatch):
    monkeypatch.setattr(device_terms, "MANY", 1)
    monkeypatch.setattr(push_list, "LOOKED_BY_DEVICE", 2)
    devices = [factories.registered_device(f"sip:karl{n}@x.org") for n in range(4)]
    pushes = [people.old_push(device) for device in devices]
    newest = sorted(pushes, key=lambda push: (push.created_at, push.pk), reverse=True)
    page = listed("q=karl&span=all")
    assert page.looked_since is not None
    assert [row.row.push for row in page.rows] == newest[:3]
    assert listed("q=karl1&span=all").looked_since is None


def test_an_older_push_needs_a_longer_span():
    device = factories.registered_device()
    factories.accepted_push(device, timezone.now() - timedelta(days=3))
    assert listed().rows == []
    assert len(listed("span=7d").rows) == len(listed("span=all").rows) == 1


def test_a_call_id_or_an_aor_narrows_the_list():
    push = judged("handled", "register")
    judged("handled", "register")
    assert [row.row.push for row in listed(f"q={push.call_id}").rows] == [push]
    assert [row.row.push for row in listed(f"q={push.device.aor}").rows] == [push]


def test_the_list_goes_on_both_ways_and_keeps_its_filters():
    device = factories.registered_device()
    pushes = [people.old_push(device) for _ in range(51)]
    first = listed("type=voip")
    second = listed(first.older)
    seen = [row.row.push.pk for row in [*first.rows, *second.rows]]
    assert len(seen) == 51
    assert set(seen) == {push.pk for push in pushes}
    assert "type=voip" in second.newer
    assert [row.row.push.pk for row in listed(second.newer).rows] == seen[:50]


def test_a_facet_named_in_the_query_is_a_facet_chosen():
    judged("unhandled", "no_proof")
    judged("", "", push_type="alert")
    page = listed("q=type:alert+outcome:remote")
    assert len(page.rows) == page.matching == 1
    assert page.q == ""
    assert [chip.name for chip in page.chips] == ["Type", "Outcome"]


def test_the_query_asks_for_strikes_state_and_age():
    push = judged("unhandled", "no_proof")
    judged("", "", state="rejected")
    Ledger.objects.create(
        token=push.token, state="not_waking", strikes=2, since=timezone.now()
    )
    for text, number in (
        ("strikes:%3E=2", 1),
        ("strikes:%3E2", 0),
        ("state:rejected", 1),
        ("state:rejected+state:accepted", 2),
        ("at:%3C1h", 2),
        ("at:%3E1h", 0),
        ("state:accepted+strikes:2", 1),
    ):
        assert len(listed(f"q={text}").rows) == number, text


def test_each_word_of_the_query_can_be_taken_away():
    page = listed("q=state:accepted+bob&type=voip")
    found = {chip.name: chip.without for chip in page.chips}
    assert found == {
        "Type": "q=state%3Aaccepted+bob",
        "State": "type=voip&q=bob",
        "Search": "type=voip&q=state%3Aaccepted",
    }


def test_a_wrong_word_is_named_and_nothing_is_shown():
    judged("handled", "register")
    page = people.browser_of("ops").get("/pushes/?q=outcom:woken")
    assert page.context["list"].rows == []
    assert "Did you mean outcome:?" in page.content.decode()
    assert "This query cannot be read" in page.content.decode()


def test_pushes_are_asked_for_by_the_state_of_their_token_and_the_environment():
    refused, fine = judged("handled", "register"), judged("handled", "register")
    TokenHealth.objects.create(
        token=refused.token, state="retired", reason="Unregistered", at=timezone.now()
    )
    for query in ("token:invalid", "token:retired"):
        assert [row.row.push for row in listed(f"q={query}").rows] == [refused]
    assert [row.row.push for row in listed("q=-token:invalid").rows] == [fine]
    assert len(listed(f"q=env:{fine.environment}").rows) == 2
    other = {"sandbox": "production", "production": "sandbox"}[fine.environment]
    assert listed(f"q=env:{other}").rows == []


def test_a_filter_of_devices_is_told_to_be_one():
    assert listed("q=bound:yes").faults == ("bound: can be asked of Devices.",)


def test_a_push_of_another_day_says_the_day():
    now = timezone.now()
    device = factories.registered_device()
    old = factories.accepted_push(device, now - timedelta(days=3))
    Push.objects.filter(pk=old.pk).update(created_at=old.sent_at)
    page = people.browser_of("ops").get("/pushes/?span=7d").content.decode()
    assert f'<span class="sm fnt">{old.sent_at:%-d %b}</span>' in page
    factories.accepted_push(device, now)
    page = people.browser_of("ops").get("/pushes/?span=15min").content.decode()
    assert f"{now:%-d %b}</span>" not in page


def test_strikes_are_looked_for_among_the_newest_of_many(monkeypatch):
    monkeypatch.setattr(push_list, "LOOKED", 2)
    old = judged("unhandled", "no_proof")
    Ledger.objects.create(
        token=old.token, state="not_waking", strikes=2, since=timezone.now()
    )
    Push.objects.filter(pk=old.pk).update(
        created_at=timezone.now() - timedelta(hours=3)
    )
    for _ in range(3):
        judged("handled", "register")
    page = listed("q=strikes:>=1")
    assert (page.rows, page.total) == ([], 0)
    assert page.looked_since is not None
    further = listed("q=strikes:>=1+at:>1h")
    assert (len(further.rows), further.looked_since) == (1, None)
