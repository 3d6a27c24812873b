"""What can be asked of the Pushes list in its query, and what its search box proposes."""

from __future__ import annotations

import pytest
from django.http import QueryDict
from django.utils import timezone

from notifications.models import Push
from notifications.push_list import pushes
from tests import factories
from tests.notifications import people

pytestmark = pytest.mark.django_db


def listed(query: str = ""):
    """What the page shows for an address."""
    return people.browser_of("ops").get(f"/pushes/?{query}").context["list"]


@pytest.mark.parametrize(
    "word", ["app:org.example.other", "reason:BadDeviceToken", "origin:observed"]
)
def test_the_query_asks_for_app_reason_and_origin(word):
    other = factories.registered_device(bundle_id="org.example.other")
    push = factories.accepted_push(other, timezone.now(), state="rejected")
    Push.objects.filter(pk=push.pk).update(reason="BadDeviceToken", origin="observed")
    phone = factories.registered_device()
    usual = factories.accepted_push(phone, timezone.now(), state="rejected")
    Push.objects.filter(pk=usual.pk).update(reason="Unregistered")
    assert [row.row.push for row in listed(f"q={word}").rows] == [push]
    assert [row.row.push for row in listed(f"q=-{word}").rows] == [usual]


@pytest.mark.parametrize(
    "path", ["/pushes/", "/failures/", "/failures/?tab=deliveries"]
)
def test_apps_and_reasons_are_proposed_while_a_query_is_typed(path):
    factories.app("org.example.other", name="Other phone")
    page = people.browser_of("ops").get(path)
    terms = dict(page.context["list"].terms)
    assert terms["app:org.example.other"] == "Other phone"
    assert "reason:Unregistered" in terms
    assert "outcome:asleep" in terms
    assert ("version:" in terms) is (path == "/pushes/")
    text = page.content.decode()
    assert 'list="terms"' in text
    assert 'data-term="reason:BadDeviceToken"' in text
    assert "terms.js" in text


def test_pushes_of_an_hour_of_the_day_are_found_by_the_clock_of_the_reader():
    push = factories.accepted_push(factories.registered_device(), timezone.now())
    hour = Push.objects.get(pk=push.pk).created_at.hour
    assert [row.row.push for row in listed(f"q=hour:{hour}").rows] == [push]
    assert listed(f"q=hour:{(hour + 1) % 24}").rows == []
    assert [row.row.push for row in listed("q=hour:>=0").rows] == [push]
    with timezone.override("Asia/Tokyo"):
        found = pushes(QueryDict(f"q=hour:{(hour + 9) % 24}"), timezone.now())
    assert [row.row.push for row in found.rows] == [push]


def test_a_state_of_strikes_is_pointed_to_devices():
    (fault,) = listed("q=state:suspected").faults
    assert "can be asked of Devices" in fault


def test_a_query_that_cannot_be_read_prints_no_numbers():
    browser = people.browser_of("ops")
    page = browser.get("/pushes/?q=state:suspected").content.decode()
    assert "This query cannot be read" in page
    assert "0 match" not in page
    page = browser.get("/pushes/?from=never").content.decode()
    assert "0 in " not in page and "0 match" not in page
