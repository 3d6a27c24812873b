"""A time that somebody remembers leads to what a device did then."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from notifications.models import Push
from tests import factories
from tests.notifications import people

pytestmark = pytest.mark.django_db


@pytest.fixture
def push() -> Push:
    """A push of yesterday noon."""
    noon = timezone.now().replace(hour=12, minute=0, second=0) - timedelta(days=1)
    device = factories.registered_device("sip:alice@example.org")
    found = factories.accepted_push(device, noon)
    Push.objects.filter(pk=found.pk).update(created_at=noon)
    return found


def shown(push: Push, at: str):
    path = reverse("notifications:device", args=[push.device_id])
    return people.browser_of("support").get(path, {"at": at})


def when(push: Push, minutes: int = 0) -> str:
    return f"{push.sent_at + timedelta(minutes=minutes):%Y-%m-%dT%H:%M}"


@pytest.mark.parametrize("minutes", [0, 4, -5])
def test_five_minutes_on_both_sides_are_shown(push, minutes):
    page = shown(push, when(push, minutes))
    (row,) = page.context["timeline"].rows
    assert row.link == reverse("notifications:push", args=[push.pk])
    assert page.context["lanes"].stretch.span == ""
    assert page.context["beside"] == []


def test_where_nothing_happened_the_pushes_beside_are_named(push):
    before, after = shown(push, when(push, 10)), shown(push, when(push, -10))
    for page in (before, after):
        assert page.context["timeline"].rows == []
        assert page.context["beside"] == [push]
        assert f'<a href="/pushes/{push.pk}/">VoIP push, ' in page.content.decode()


def test_a_time_that_is_none_is_told_beside_its_field(push):
    text = shown(push, "soon").content.decode()
    assert "soon is no time: write it as 14:02, 14:02..14:30 or" in text
    assert 'aria-describedby="at-fault"' in text
    assert "25:00: knows no time 25:00" in shown(push, "25:00").content.decode()
    assert "at-fault" not in shown(push, "12:00").content.decode()


def test_a_time_to_come_shows_what_is_shown_without_one(push):
    assert shown(push, "2199-01-01").context["lanes"].stretch.span == "6h"


def test_a_time_behind_what_is_looked_for_leads_to_that_time_of_the_device(push):
    factories.registered_device("sip:bob@example.org")
    factories.registered_device("sip:bob2@example.org")
    browser = people.browser_of("support")

    def found(q: str) -> str:
        return browser.get("/search/", {"q": q})["Location"]

    device = f"/devices/{push.device_id}/?at=12%3A00#device-timeline"
    assert found("sip:alice@example.org at:12:00") == device
    assert found("alice AT:12:00") == device
    assert found("b at:12:00") == "/pushes/?q=b+at%3A12%3A00"
