"""From Live to the phones of a bad release, in few clicks; the Fleet page looked at."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from notifications.releases import watch
from registrations.models import Device
from tests import factories
from tests.browser.accessibility import in_both_themes
from tests.notifications.releases import judged
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bad_release():
    """6.2.1 is bad while 6.2.0 is well."""
    now = timezone.now()
    factories.app()
    factories.feed(seen_until=now)
    judged(now, "6.2.0", 240, 5000, days=2)
    judged(now, "6.2.0", 29, 600)
    judged(now, "6.2.1", 128, 412, phone="iPhone 15")
    return now


def test_ops_finds_the_bad_release_from_live_in_two_clicks(open_as, bad_release):
    page = open_as(person("olga", "see"))
    expect(page.locator("[data-conn][data-state=live]")).to_be_visible()
    expect(page.locator("#live-alarms")).to_be_empty()
    watch(bad_release)
    alarm = page.locator("[data-alarm=release]")
    expect(alarm).to_contain_text("LinphoneiOS 6.2.1: 4.8 % → 31 % (n = 412)")
    expect(alarm).to_contain_text("suspect the build")
    alarm.get_by_role("link", name="LinphoneiOS 6.2.1").click()
    expect(page.get_by_role("heading", name="Fleet", level=1)).to_be_visible()
    page.get_by_role("link", name="Devices with 6.2.1").click()
    expect(page).to_have_url(re.compile("q=version"))
    device = Device.objects.get(user_agent__contains="6.2.1")
    expect(page.locator("main a.aor")).to_have_count(1)
    expect(page.locator("main")).to_contain_text(device.aor.split(":")[1].split("@")[0])


def test_an_alarm_that_ended_leaves_the_page_without_a_reload(open_as, bad_release):
    watch(bad_release)
    page = open_as(person("olga", "see"))
    expect(page.locator("[data-alarm]")).to_have_count(1)
    watch(bad_release + timedelta(days=9))
    expect(page.locator("[data-alarm]")).to_have_count(0)


@pytest.mark.parametrize("width", [1440, 390])
def test_the_full_page_fits_and_axe_finds_nothing(open_as, bad_release, width):
    watch(bad_release)
    page = open_as(person("olga", "see"))
    page.set_viewport_size({"width": width, "height": 900})
    page.goto("/fleet/")
    heat = page.get_by_role("table", name="Share of judged calls")
    expect(heat.get_by_role("row", name="LinphoneiOS 6.2.1")).to_contain_text("31 %")
    expect(heat).to_contain_text("27 to 36 %, n 412")
    expect(page.locator("main")).to_contain_text("Let the proxy wait 5 s")
    expect(
        page.get_by_role("img", name="6.2.0: half awake after 1.5 s")
    ).to_be_visible()
    expect(page.locator("main")).to_contain_text(
        "Proof was possible for 100 % of pushes"
    )
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) == 0
    assert in_both_themes(page) == []
