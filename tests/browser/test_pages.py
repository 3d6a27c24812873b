"""Every page, light and dark, at every width: nothing sticks out, axe finds nothing."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from notifications.models import Push
from tests.browser import house
from tests.browser.accessibility import in_both_themes
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)

#: Widths in pixels: a page is loaded once and shown at all of them; whether axe looks.
WIDTHS = {1024: False, 1440: True, 390: True}
#: Every other page is one test's, so that two can walk at once.
HALVES = {"even": 0, "odd": 1}


def sideways(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    return page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )


@pytest.mark.parametrize("half", HALVES.values(), ids=HALVES)
def test_no_page_sticks_out_and_axe_finds_nothing(open_as, half, expect_refusals):
    push = house.furnished()
    page = open_as(person("olga", *house.ALL), "/settings/")
    too_wide, found = {}, {}
    for path in house.paths(push)[half::2]:
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        for width, is_looked_at in WIDTHS.items():
            page.set_viewport_size({"width": width, "height": 900})
            too_wide[path, width] = sideways(page)
            found[path, width] = in_both_themes(page) if is_looked_at else []
    assert {where: pixels for where, pixels in too_wide.items() if pixels > 0} == {}
    assert {where: words for where, words in found.items() if words} == {}


def test_a_person_may_only_see_what_the_rights_allow_to_do(open_as):
    push = house.furnished()
    page = open_as(person("olga", "see"), f"/devices/{push.device_id}/")
    for words in ("Send remote test push", "Reset strikes", "Reveal, logged"):
        expect(page.get_by_text(words)).to_have_count(0)


def test_a_risky_resend_asks_for_a_typed_reason(open_as):
    push = house.furnished()
    page = open_as(person("olga", *house.ALL), f"/pushes/{push.pk}/")
    expect(page.locator("#resend")).to_contain_text("Would be strike 3 of 3")
    page.get_by_role("button", name="Resend VoIP push anyway").click()
    expect(page).to_have_url(f"{page.url.partition('/pushes')[0]}/pushes/{push.pk}/")
    page.get_by_label("Reason, kept in the activity log").fill("asked by the caller")
    page.get_by_role("button", name="Resend VoIP push anyway").click()
    expect(page.locator("#main")).to_contain_text("resend of")
    assert Push.objects.filter(resend_of=push).count() == 1


def test_a_notice_begins_everything_at_the_same_edge(open_as, expect_refusals):
    page = open_as(person("olga"), "/no-such-page/")
    page.set_viewport_size({"width": 1024, "height": 800})
    places = (page.locator(".pd-brand svg"), page.locator("h1"))
    brand, title = (place.bounding_box()["x"] for place in places)
    assert abs(brand - title) < 2
