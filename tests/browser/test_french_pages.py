"""French words are longer: the main pages hold them at every width, and axe finds nothing."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser import house
from tests.browser.accessibility import violations
from tests.browser.test_pages import sideways
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)

WIDTHS = (390, 1024, 1440)


def main_pages(push) -> list[str]:
    """Where people work all day."""
    one = f"/pushes/{push.pk}/"
    lists = ["/", "/devices/", "/pushes/", "/failures/", "/fleet/", "/settings/"]
    return [*lists, f"/devices/{push.device_id}/", one, f"{one}case", "/audit/"]


def in_french(page: Page) -> Page:
    """Choose the language as a person does."""
    page.goto("/devices/")
    page.locator("summary.pd-me").first.click()
    page.get_by_role("button", name="Français").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Appareils")
    return page


def test_a_person_chooses_french_and_every_page_holds_it(open_as):
    push = house.furnished()
    page = in_french(open_as(person("olga", *house.ALL), "/settings/"))
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    too_wide, found = {}, {}
    for path in main_pages(push):
        page.goto(path)
        assert page.locator("html").get_attribute("lang") == "fr"
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            too_wide[path, width] = sideways(page)
        found[path] = violations(page)
    assert {where: pixels for where, pixels in too_wide.items() if pixels > 0} == {}
    assert {path: words for path, words in found.items() if words} == {}


def test_the_live_page_goes_on_in_the_language_it_was_opened_in(open_as):
    house.furnished()
    page = in_french(open_as(person("olga", *house.ALL), "/settings/"))
    page.goto("/")
    conn = page.locator("[data-conn]")
    expect(conn).to_contain_text("en direct")
    expect(conn).to_contain_text("il y a")
    # A frame of the socket has replaced this region.
    expect(page.locator("#live-kpis")).to_contain_text("Appareils enregistrés")
    expect(page.locator("#live-board")).to_contain_text("Vu en vie il y a")
