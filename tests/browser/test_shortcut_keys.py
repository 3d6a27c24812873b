"""Single-key shortcuts, and the switch that turns them off (WCAG 2.1.4)."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from notifications.models import Preference
from tests import factories
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)


def test_slash_goes_to_the_search_until_keys_are_turned_off(open_as):
    page = open_as(person("olga", "see"))
    search = page.get_by_role("searchbox")
    page.keyboard.press("/")
    expect(search).to_be_focused()
    page.keyboard.press("Escape")
    expect(search).not_to_be_focused()
    page.keyboard.press("?")
    switch = page.get_by_role("button", name="Shortcut keys")
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "false")
    page.reload()
    page.keyboard.press("/")
    expect(search).not_to_be_focused()


def test_the_list_of_keys_opens_from_the_menu_when_keys_are_off(open_as, context):
    page = open_as(person("olga", "see"))
    context.add_cookies([{"name": "keys", "value": "off", "url": page.url}])
    page.reload()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_label("Your menu, olga").first.click()
    page.get_by_role("button", name="Keyboard shortcuts").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("Next and previous row")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize(
    ("key", "heading"),
    [
        ("l", "Live"),
        ("d", "Devices"),
        ("p", "Pushes"),
        ("f", "Failures"),
        ("v", "Fleet"),
        ("s", "Settings"),
    ],
)
def test_g_and_a_letter_lead_to_each_page(open_as, key, heading):
    start = "/failures/" if key == "l" else "/"
    page = open_as(person("olga", "see"), start)
    page.keyboard.press("g")
    page.keyboard.press(key)
    expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()


def test_a_person_is_shown_and_led_by_the_keys_of_their_rights_only(open_as, open_in):
    page = open_as(person("olga", "see"))
    keys = page.locator("#keys")
    page.keyboard.press("?")
    expect(keys).not_to_contain_text("Audit")
    expect(keys).to_contain_text("to compare two pushes")
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("a")
    expect(page.get_by_role("heading", name="Live", exact=True)).to_be_visible()
    admin = person("ada", "see", "resend", "manage_users")
    page = open_in(page.context, admin, "/")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_contain_text("Settings, Audit")
    expect(page.locator("#keys")).to_contain_text("to do something with many")
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("a")
    expect(page.get_by_role("heading", name="Audit", exact=True)).to_be_visible()


def test_a_phone_switches_to_utc_and_back_in_its_menu(open_as):
    olga = person("olga", "see")
    Preference.objects.create(user=olga, timezone="Europe/Paris")
    page = open_as(olga, "/devices/")
    page.set_viewport_size({"width": 390, "height": 844})
    for words, zone in (("UTC", "UTC"), ("of Paris", "Europe/Paris")):
        page.locator("summary[aria-label^='Your menu']:visible").click()
        page.get_by_role("button", name=words).locator("visible=true").click()
        expect(page.locator("html")).to_have_attribute("data-zone", zone)
        expect(page).to_have_url(re.compile("/devices/$"))


def test_j_and_k_walk_the_rows_and_enter_opens_one(open_as):
    for name in ("alice", "bob", "carol"):
        factories.registered_device(f"sip:{name}@example.org")
    page = open_as(person("olga", "see"), "/devices/")
    links = page.locator("tr[data-row] th a")
    for key, row in (("j", 0), ("j", 1), ("j", 2), ("j", 2), ("k", 1)):
        page.keyboard.press(key)
        expect(links.nth(row)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("bob")


def test_escape_closes_a_menu_and_gives_its_focus_back(open_as):
    factories.registered_device()
    page = open_as(person("olga", "see"), "/devices/")
    menu = page.locator("summary", has_text="Strikes")
    menu.click()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="1 or more")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="1 or more")).to_be_hidden()
    expect(menu).to_be_focused()


def test_the_focus_starts_at_the_way_past_the_navigation(open_as):
    page = open_as(person("olga", "see"), "/failures/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
