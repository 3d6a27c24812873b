"""The what-if page: rules tried on the past, saved from there, nothing changed by looking."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from notifications import handling, what_if
from notifications.models import App, AuditEntry, Call, Ledger
from tests import factories
from tests.notifications.people import browser_of

pytestmark = pytest.mark.django_db

RULES = {
    "threshold": 3,
    "wake_window": 30,
    "grace": 5,
    "late_window": 90,
    "reach_window": 900,
    "foreground_window": 20,
    "release_after": 86_400,
    "since": "24h",
}


@pytest.fixture
def asleep():
    """A phone that was seen alive, and left three calls of the last hour unhandled."""
    now = timezone.now()
    factories.feed(seen_until=now)
    device = factories.registered_device()
    for minutes in (50, 40, 30):
        sent = now - timedelta(minutes=minutes)
        factories.sighting(device, sent - timedelta(seconds=60))
        factories.accepted_push(device, sent)
    handling.settle(now)
    return device


def page(group: str = "admin", **asked):
    address = reverse("notifications:what-if", args=[App.objects.get().pk])
    return browser_of(group).get(address, asked)


def test_the_page_opens_with_the_rules_as_they_are(asleep):
    answer = page()
    assert answer.status_code == 200
    assert answer.context["form"]["wake_window"].value() == 30
    assert 'name="wake_window" value="30"' in answer.content.decode()


def test_a_higher_threshold_lists_the_phone_and_no_verdict(asleep):
    before = list(Call.objects.values()), list(Ledger.objects.values())
    found = page(**RULES | {"threshold": 5}).context["found"]
    assert (found.calls, found.tokens, found.flipped) == (3, 1, 0)
    (row,) = found.moved
    assert row.device == asleep
    assert (row.was.state, row.becomes.state) == ("suspected", "not_waking")
    assert (list(Call.objects.values()), list(Ledger.objects.values())) == before


def test_a_wider_window_flips_the_late_wake_and_links_its_push():
    now = timezone.now()
    factories.feed(seen_until=now)
    device = factories.registered_device()
    sent = now - timedelta(minutes=30)
    push = factories.accepted_push(device, sent)
    factories.sighting(device, sent + timedelta(seconds=45))
    handling.settle(now)
    answer = page(**RULES | {"wake_window": 60})
    (row,) = answer.context["found"].flips
    assert row.push == str(push.pk)
    assert row.was == "not counted, late"
    assert row.becomes == "handled, register"
    assert reverse("notifications:push", args=[push.pk]) in answer.content.decode()


def test_the_same_rules_change_nothing_and_say_so(asleep):
    assert b"<b>Nothing.</b>" in page(**RULES).content


def test_a_period_without_calls_says_so():
    factories.app()
    assert b"No call in this time" in page(**RULES).content


def test_a_wrong_number_is_refused_beside_its_field(asleep):
    answer = page(**RULES | {"wake_window": 0})
    assert answer.status_code == 422
    assert answer.context["form"].errors.keys() == {"wake_window"}


def test_more_calls_than_a_page_takes_name_the_command(asleep, monkeypatch):
    monkeypatch.setattr("notifications.what_if_views.MOST_CALLS", 2)
    monkeypatch.setattr(what_if, "MOST_CALLS", 2)
    answer = page(**RULES)
    assert "found" not in answer.context
    assert b"manage.py replay_risk --app" in answer.content


def test_rules_are_saved_from_there_and_audited(asleep):
    app = App.objects.get()
    address = reverse("notifications:save-rules", args=[app.pk])
    answer = browser_of("admin").post(address, RULES | {"release_after": 7200})
    assert answer.status_code == 302
    app.refresh_from_db()
    assert app.release_after == timedelta(hours=2)
    entry = AuditEntry.objects.get(action="app.change")
    assert entry.detail == {"release_after": "2:00:00"}


def test_rules_that_are_refused_are_not_saved(asleep):
    app = App.objects.get()
    address = reverse("notifications:save-rules", args=[app.pk])
    answer = browser_of("admin").post(address, RULES | {"release_after": -1})
    assert answer.status_code == 422
    assert App.objects.get().release_after == app.release_after


def test_only_who_may_change_the_rules_may_try_them(asleep):
    assert page("ops").status_code == 403
