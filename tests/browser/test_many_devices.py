"""Ticking devices by key, the dry run, the typed number, the reason, the undo."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from notifications.models import Bulk, BulkItem
from tests.browser import house
from tests.browser.accessibility import violations
from tests.browser.test_pages import sideways
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)


def emptied() -> None:
    """A furnished house in which no bulk runs."""
    house.furnished()
    BulkItem.objects.all().delete()
    Bulk.objects.all().delete()


def test_strikes_of_ticked_devices_are_reset_by_key_and_undone(
    open_as, expect_refusals
):
    emptied()
    page = open_as(person("olga", *house.ALL), "/devices/?q=strikes:>=1")
    for _ in range(2):
        page.keyboard.press("j")
        page.keyboard.press("x")
    expect(page.locator("[data-selected]")).to_have_text("2 ticked")
    assert violations(page) == []
    page.get_by_role("button", name="Reset strikes").click()
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("Reset the strikes of 2 devices?")
    page.get_by_label("Reason, for the activity log").fill("5.3.1 was rolled back")
    page.get_by_label("Type 2 to confirm").fill("3")
    page.get_by_role("button", name="Reset 2", exact=True).click()
    fault = page.get_by_role("alert")
    expect(fault).to_have_text("Type 2 to confirm.")
    assert violations(page) == []
    reason = page.get_by_label("Reason, for the activity log")
    expect(reason).to_have_value("5.3.1 was rolled back")
    page.get_by_label("Type 2 to confirm").fill("2")
    page.get_by_role("button", name="Reset 2", exact=True).click()
    expect(heading).to_have_text("Strikes of 2 devices reset")
    page.get_by_role("button", name="Undo, reset nothing").click()
    told = page.get_by_role("status").first
    expect(told).to_contain_text("Stopped. 2 were not reset")
    assert Bulk.objects.get().state == "cancelled"


def test_all_that_match_are_asked_for_from_the_menu(open_as):
    emptied()
    page = open_as(person("olga", *house.ALL), "/devices/?q=")
    page.locator("#bulk summary").click()
    page.locator("#bulk .pd-pop").get_by_role("link", name="Remote test push").click()
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_contain_text("Send a test push to")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Devices")


@pytest.mark.parametrize("width", [390, 1024, 1440])
def test_bar_dry_run_and_progress_fit_and_can_be_used_by_everybody(open_as, width):
    house.furnished()
    page = open_as(person("olga", *house.ALL), "/devices/?q=")
    page.emulate_media(reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 900})
    running = f"/bulks/{Bulk.objects.get(kind='reset').pk}/"
    for path in ("/devices/?q=", "/devices/many/?all=1&kind=reset&q=", running):
        page.goto(path)
        assert sideways(page) <= 0, path
        assert violations(page) == [], path
