"""Single-key shortcuts, and the switch that turns them off (WCAG 2.1.4)."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)


def test_slash_goes_to_the_search_until_keys_are_turned_off(open_as):
    page = open_as(person("olga", "see"))
    search = page.get_by_role("searchbox")
    page.keyboard.press("/")
    expect(search).to_be_focused()
    switch = page.get_by_role("button", name="Shortcut keys")
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "false")
    page.reload()
    page.keyboard.press("/")
    expect(search).not_to_be_focused()


def test_g_and_d_lead_to_the_devices(open_as):
    page = open_as(person("olga", "see"))
    page.keyboard.press("g")
    page.keyboard.press("d")
    expect(page.get_by_role("heading", name="Devices", exact=True)).to_be_visible()
