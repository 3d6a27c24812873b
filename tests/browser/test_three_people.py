"""What three people come for, by mouse and by keyboard, with what they press counted.

A click is one, and so is Enter on what Tab, `/` or a shortcut has reached.
"""

from __future__ import annotations

import csv
from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from notifications.handling import settle
from notifications.models import AuditEntry, Push
from notifications.releases import watch
from tests import factories
from tests.browser import house
from tests.notifications.people import credential_of
from tests.notifications.releases import judged
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)
FARTHEST = 250


class Mouse:
    """Clicks, and counts them."""

    def __init__(self, page: Page) -> None:
        self.page, self.pressed = page, 0

    def press(self, target: Locator) -> None:
        """Press a link or a button."""
        target.click()
        self.pressed += 1

    def say(self, field: Locator, text: str) -> None:
        """Type it into a field and go."""
        field.fill(text)
        self.page.keyboard.press("Enter")
        self.pressed += 1

    def look_for(self, text: str) -> None:
        """Paste it into the search box and go."""
        self.page.get_by_role("searchbox", name="Find an AOR").fill(text)
        self.page.keyboard.press("Enter")
        self.pressed += 1


class Keys(Mouse):
    """The same with Tab and Enter alone."""

    def reach(self, target: Locator) -> None:
        """Go to it with Tab."""
        expect(target).to_be_visible()
        for _ in range(FARTHEST):
            if target.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab never came to {target}")

    def press(self, target: Locator) -> None:
        self.reach(target)
        self.page.keyboard.press("Enter")
        self.pressed += 1

    def say(self, field: Locator, text: str) -> None:
        self.reach(field)
        self.page.keyboard.insert_text(text)
        self.page.keyboard.press("Enter")
        self.pressed += 1

    def look_for(self, text: str) -> None:
        self.page.keyboard.press("/")
        self.page.keyboard.insert_text(text)
        self.page.keyboard.press("Enter")
        self.pressed += 1


def newest(now: datetime, **clock: int) -> datetime:
    """The newest such time of day."""
    found = now.replace(second=0, microsecond=0, **clock)
    return found if found <= now else found - timedelta(days=1)


by_hand = pytest.mark.parametrize("hand", [Mouse, Keys])


@by_hand
def test_ops_find_the_bad_release_from_live_in_at_most_four(open_as, hand):
    now = timezone.now()
    factories.app()
    factories.feed(seen_until=now)
    judged(now, "6.1.0", 240, 5000, days=2)
    judged(now, "6.1.0", 29, 600)
    judged(now, "6.2.1", 128, 412)
    watch(now)
    page = open_as(person("olga", "see"))
    ops = hand(page)
    ops.press(page.locator("[data-alarm=release] a").first)
    expect(page.locator("#main")).to_contain_text("6.2.1")
    ops.press(page.get_by_role("link", name="Devices with 6.2.1"))
    rows = page.locator("#device-table tbody tr")
    expect(rows.first).to_contain_text("6.2.1")
    expect(page.locator("#device-table")).not_to_contain_text("6.1.0")
    assert ops.pressed <= 4


@by_hand
def test_support_say_why_it_did_not_ring_at_14_02_in_at_most_three(open_as, hand):
    now = timezone.now()
    credential_of(factories.app())
    factories.feed(seen_until=now)
    device = factories.registered_device("sip:alice@example.org")
    factories.registered_device("sip:alison@example.org")
    moment = (now - timedelta(days=1)).replace(hour=14, minute=2, second=0)
    factories.accepted_push(device, moment)
    settle(now)
    page = open_as(person("sam", "see", "resend"), "/pushes/")
    support = hand(page)
    support.look_for("sip:alice@example.org")
    line = page.locator("#device-timeline li", has_text="VoIP push")
    expect(line).to_contain_text("14:02:00")
    support.press(line.get_by_role("link", name="View push"))
    expect(page.locator("#verdict")).to_contain_text("Verdict: unhandled")
    expect(page.locator("#verdict")).to_contain_text("there was none")
    assert support.pressed <= 3
    support.press(page.get_by_role("button", name="Send remote test push instead"))
    expect(page.locator("#main")).to_contain_text("Alert push to alice")
    sent = Push.objects.get(requested_by__username="sam")
    assert (sent.device, sent.push_type) == (device, "alert")


@by_hand
def test_support_find_the_push_of_14_02_behind_a_busy_day_in_at_most_three(
    open_as, hand
):
    now = timezone.now()
    credential_of(factories.app())
    factories.feed(seen_until=now)
    device = factories.registered_device("sip:alice@example.org")
    moment = newest(now, hour=14, minute=2)
    factories.accepted_push(device, moment)
    for minutes in range(10, 110):
        later = moment + timedelta(minutes=minutes)
        factories.accepted_push(device, later, push_type="alert")
    settle(now)
    page = open_as(person("sam", "see"), "/")
    support = hand(page)
    support.look_for("sip:alice@example.org")
    expect(page.locator("#device-timeline")).not_to_contain_text("14:02:00")
    support.say(page.get_by_label("It did not ring at"), "14:02")
    line = page.locator("#device-timeline li", has_text="VoIP push")
    expect(line).to_contain_text("14:02:00")
    support.press(line.get_by_role("link", name="View push"))
    expect(page.locator("#verdict")).to_contain_text("Verdict: unhandled")
    assert support.pressed <= 3


@by_hand
def test_an_admin_exports_last_weeks_failures_and_sees_who_resent_what(open_as, hand):
    push = house.furnished()
    now = timezone.now()
    AuditEntry.objects.create(
        at=now, actor_name="mira", action="push.resend", subject="sip:dora@example.org"
    )
    page = open_as(person("ada", *house.ALL), "/failures/")
    admin = hand(page)
    week = page.get_by_role("navigation", name="Time range")
    admin.press(week.get_by_role("link", name="7 d"))
    admin.press(page.locator("main summary", has_text="Export"))
    with page.expect_download() as started:
        admin.press(page.get_by_role("link", name="CSV, tokens masked"))
    text = started.value.path().read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(text.splitlines()))
    assert {row["state"] for row in rows} == {"rejected", "accepted"}
    assert str(push.pk) in {row["apns_id"] for row in rows}
    assert not any(push.token.token in value for row in rows for value in row.values())
    page.keyboard.press("Escape")
    page.goto("/audit/")
    admin.press(page.get_by_role("link", name="Who resent what"))
    expect(page.locator("main tbody tr")).to_have_count(1)
    expect(page.locator("main tbody tr")).to_contain_text("mira")
    expect(page.locator("main tbody tr")).to_contain_text("sip:dora@example.org")
    assert admin.pressed <= 4
    exported = AuditEntry.objects.filter(action="export.failures", actor_name="ada")
    assert exported.exists()
