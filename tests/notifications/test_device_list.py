"""The Devices page: tabs with counts, filters in the address, both ways through it."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from notifications import device_list, device_terms
from notifications.models import Ledger, TokenHealth
from registrations.models import Device, Holding
from tests import factories
from tests.notifications import people

pytestmark = pytest.mark.django_db


def listed(query: str = ""):
    """What the page shows for an address."""
    return people.browser_of("ops").get(f"/devices/?{query}").context["list"]


def aors(query: str) -> set[str]:
    return {row.device.aor for row in listed(query).rows}


def ledger(device, state: str, strikes: int) -> None:
    token = factories.token_of(device)
    Ledger.objects.create(
        token=token, state=state, strikes=strikes, since=timezone.now()
    )


@pytest.fixture
def fleet():
    """alice is fine, bob suspected, carol refused by APNs, dave gone and malformed."""
    names = ("alice", "bob", "carol", "dave")
    found = {name: factories.registered_device(f"sip:{name}@x.org") for name in names}
    ledger(found["alice"], "fine", 0)
    ledger(found["bob"], "suspected", 3)
    token = factories.token_of(found["carol"])
    now = timezone.now()
    TokenHealth.objects.create(
        token=token, state="retired", reason="Unregistered", at=now
    )
    dave = found["dave"]
    dave.problems = [{"rule": "token_count", "detail": "three"}]
    dave.bound, dave.environment = False, "production"
    dave.save()
    for name in ("alice", "bob", "carol"):
        found[name].last_seen_at = now
        found[name].save(update_fields=["last_seen_at"])
    dave.last_seen_at = now - timedelta(days=2)
    dave.save()
    return found


def test_each_tab_counts_what_it_shows(fleet):
    for tab in listed().tabs:
        assert tab.number == len(listed(tab.address).rows)
    numbers = {tab.label: tab.number for tab in listed().tabs}
    assert numbers["All"] == 4
    assert numbers["At risk"] == numbers["Token refused"] == 1
    assert numbers["Not seen for 24 h"] == numbers["With problems"] == 1


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("state:not_waking state:suspected", {"bob"}),
        ("problem:any", {"dave"}),
        ("problem:token_count", {"dave"}),
        ("problem:escape", set()),
        ("state:suspected", {"bob"}),
        ("state:suspected state:fine", {"alice", "bob"}),
        ("strikes:>=1", {"bob"}),
        ("strikes:>1 strikes:<4", {"bob"}),
        ("strikes:0", {"alice"}),
        ("token:retired", {"carol"}),
        ("token:invalid", {"carol"}),
        ("bound:no", {"dave"}),
        ("bound:yes a", {"alice"}),
        ("ALICE@X", {"alice"}),
        ("lice", set()),
        ("seen:>24h", {"dave"}),
        ("seen:<1h", {"alice", "bob", "carol"}),
        ("env:production", {"dave"}),
        ("app:org.example.other", set()),
        ("sip:bob@x.org", {"bob"}),
        ("bob alice", set()),
        ("state:nonsense", set()),
        ("alice nofilter:1", set()),
    ],
)
def test_a_filter_leaves_what_it_says(fleet, query, expected):
    assert aors(urlencode({"q": query})) == {f"sip:{name}@x.org" for name in expected}


def test_devices_of_an_app_are_asked_for(fleet):
    factories.registered_device("sip:eve@x.org", bundle_id="org.example.other")
    assert aors("q=app:org.example.other") == {"sip:eve@x.org"}
    assert aors("q=-app:org.example.phone") == {"sip:eve@x.org"}
    assert "sip:eve@x.org" not in aors("q=app:org.example.phone")
    assert len(aors("q=app:org.example.phone+app:org.example.other")) == 5


def test_a_chosen_filter_is_a_chip_that_can_be_taken_away(fleet):
    page = listed("q=state:suspected+bob")
    chips = {chip.name: chip for chip in page.chips}
    assert chips["State"].value == "Suspected blacklisted"
    assert chips["State"].without == "q=bob"
    assert chips["Search"].without == "q=state%3Asuspected"
    assert "State" not in {menu.name for menu in page.menus}
    assert "Strikes" in {menu.name for menu in page.menus}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("version:5.2", True),
        ("version:5.2.3", True),
        ("version:5.2.30", False),
        ("version:5", True),
        ('phone:"iphone 1"', False),
        ('phone:"iphone 11"', True),
        ("ios:17", True),
        ("ios:1", False),
        ("ios:5", False),
        ("version:.*", False),
    ],
)
def test_versions_and_phones_fit_by_their_beginning(query, found):
    device = factories.registered_device()
    device.user_agent = "LinphoneiOS/5.2.3 (iPhone 11) iOS/17.4 LinphoneSDK/5.3.26"
    device.save()
    assert bool(listed(urlencode({"q": query})).rows) is found


def test_a_wrong_word_is_named_and_nothing_is_shown(fleet):
    page = people.browser_of("ops").get("/devices/?q=stat:suspected+seen:soon")
    assert not page.context["list"].rows
    text = page.content.decode()
    assert "No filter is called stat. Did you mean state:?" in text
    assert "seen:soon: seen takes an age" in text
    assert "This query cannot be read" in text


def test_a_token_is_found_by_its_ends_as_they_are_shown(fleet):
    token = factories.token_of(fleet["carol"])
    assert aors(f"q={token.masked}") == {"sip:carol@x.org"}


def test_the_list_goes_on_both_ways_and_keeps_its_filters():
    devices = [factories.registered_device() for _ in range(51)]
    first = listed("q=env:sandbox")
    second = listed(first.older)
    seen = [row.device.pk for row in [*first.rows, *second.rows]]
    assert seen == sorted((device.pk for device in devices), reverse=True)
    assert "env%3Asandbox" in second.newer
    again = listed(second.newer)
    assert [row.device.pk for row in again.rows] == seen[:50]


def test_a_row_shows_what_became_of_the_newest_voip_push(fleet):
    people.old_push(fleet["alice"])
    newest = factories.accepted_push(fleet["alice"], timezone.now())
    (row,) = [row for row in listed().rows if row.device == fleet["alice"]]
    assert row.last.push == newest


def test_the_page_names_the_feeds_that_assume_acceptance():
    factories.feed("xlog", has_assumed=True)
    content = people.browser_of("ops").get("/devices/").content.decode()
    assert "Assume accepted: xlog" in content


def test_devices_are_sorted_by_when_they_were_seen_last(fleet):
    order = ["sip:carol@x.org", "sip:bob@x.org", "sip:alice@x.org", "sip:dave@x.org"]
    now = timezone.now()
    for minutes, aor in enumerate(order):
        seen = None if "dave" in aor else now - timedelta(minutes=minutes)
        Device.objects.filter(aor=aor).update(last_seen_at=seen)
    assert [row.device.aor for row in listed("sort=seen").rows] == order
    assert [row.device.aor for row in listed("sort=unseen").rows] == order[::-1]


def test_pages_by_strikes_go_on_both_ways_and_leave_nobody_out():
    devices = [factories.registered_device() for _ in range(27)]
    for number, device in enumerate(devices):
        Ledger.objects.create(
            token=factories.token_of(device),
            state="not_waking" if number % 3 else "fine",
            strikes=number % 3,
            since=timezone.now(),
        )
    first = listed("sort=strikes&rows=25")
    strikes = [row.ledger.strikes for row in first.rows]
    assert strikes == sorted(strikes, reverse=True)
    assert (len(strikes), min(strikes), first.older) == (18, 1, "")


@pytest.mark.parametrize("sort", ["aor", "aor_down", "seen", "unseen", "strikes"])
def test_each_order_is_paged_without_losing_or_repeating_a_device(sort):
    for _ in range(30):
        device = factories.registered_device()
        Ledger.objects.create(
            token=factories.token_of(device),
            state="not_waking",
            strikes=1,
            since=timezone.now(),
        )
    first = listed(f"sort={sort}&rows=25")
    second = listed(first.older)
    seen = [row.device.pk for row in [*first.rows, *second.rows]]
    assert len(seen) == len(set(seen)) == 30
    again = listed(second.newer)
    assert [row.device.pk for row in again.rows] == seen[:25]


def test_a_beginning_of_many_aors_finds_them_whichever_way_is_shorter(monkeypatch):
    monkeypatch.setattr(device_terms, "MANY", 1)
    wanted = [factories.registered_device(f"sip:karl{n}@x.org") for n in range(3)]
    factories.registered_device("sip:anna@x.org")
    for most in (0, 25_000):
        monkeypatch.setattr(device_terms, "FETCHED", most)
        assert [row.device for row in listed("q=karl").rows] == wanted[::-1]


def test_aors_are_in_order_without_their_scheme_and_case():
    for aor in ("sip:Carol@x.org", "sips:bob@x.org", "tel:+49", "sip:anna@x.org"):
        factories.registered_device(aor)
    shown = [row.device.aor for row in listed("sort=aor").rows]
    assert shown == ["tel:+49", "sip:anna@x.org", "sips:bob@x.org", "sip:Carol@x.org"]
    down = [row.device.aor for row in listed("sort=aor_down").rows]
    assert down == shown[::-1]


def test_of_many_devices_only_the_newest_are_put_in_order_of_last_seen(monkeypatch):
    monkeypatch.setattr(device_list, "PUT_IN_ORDER", 2)
    now = timezone.now()
    for number in range(4):
        device = factories.registered_device(f"sip:p{number}@x.org")
        device.last_seen_at = now - timedelta(hours=number)
        device.save()
    some = listed("sort=unseen")
    assert [row.device.aor for row in some.rows] == ["sip:p3@x.org", "sip:p2@x.org"]
    every = listed(some.whole)
    assert [row.device.aor[4:6] for row in every.rows] == ["p3", "p2", "p1", "p0"]
    assert every.whole == ""
    assert listed("sort=unseen&q=p1").whole == ""


def test_the_newest_of_a_version_are_put_in_order_of_their_aor(monkeypatch):
    monkeypatch.setattr(device_list, "PUT_IN_ORDER", 2)
    for name in ("anna", "carol", "bob"):
        device = factories.registered_device(f"sip:{name}@x.org")
        device.user_agent = "Linphone/6.1 (iPhone14,2) iOS/17.1"
        device.save()
    some = listed("sort=aor&q=phone:iPhone14")
    assert [row.device.aor for row in some.rows] == ["sip:bob@x.org", "sip:carol@x.org"]
    every = [row.device.aor[4] for row in listed(some.whole).rows]
    assert every == ["a", "b", "c"]
    none = listed("sort=aor&q=phone:iPhone15")
    assert (none.rows, none.whole) == ([], "")
    assert len(listed("sort=aor").rows) == 3


def test_a_device_stands_once_in_the_order_of_strikes_with_its_most():
    device = factories.registered_device("sip:two@x.org")
    ledger(device, "suspected", 4)
    other = factories.registered_device("sip:other@x.org")
    ledger(other, "suspected", 5)
    Holding.objects.create(device=device, token=factories.token_of(other))
    found = listed("sort=strikes").rows
    assert sorted(row.device.aor for row in found) == [
        "sip:other@x.org",
        "sip:two@x.org",
    ]


def test_ages_that_exclude_each_other_fit_nothing_and_read_nothing(fleet):
    assert aors("q=seen:<1h seen:>24h") == set()
    assert aors("q=seen:<3d seen:>24h") == {"sip:dave@x.org"}
    assert aors("q=seen:<1h -seen:>24h") >= {"sip:bob@x.org"}
