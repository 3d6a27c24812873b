"""Zooming into a stretch of a chart, by mouse and by keys; the range stands in the address."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from notifications.models import Push
from tests import factories
from tests.browser import house
from tests.browser.accessibility import in_both_themes, violations
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)


def pushed(*minutes: int) -> None:
    """Pushes so many minutes ago."""
    now = timezone.now()
    device = factories.registered_device()
    for ago in minutes:
        push = factories.accepted_push(device, now - timedelta(minutes=ago))
        Push.objects.filter(pk=push.pk).update(created_at=push.sent_at)


def drag(page: Page, start: float, end: float) -> None:
    """Over the chart, from a share of its width to another."""
    chart = page.locator("[data-zoom]")
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    y = box["y"] + box["height"] / 3
    page.mouse.move(box["x"] + box["width"] * start, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * (start + end) / 2, y)
    page.mouse.move(box["x"] + box["width"] * end, y)
    page.mouse.up()


def asked(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def test_dragging_over_the_chart_shows_that_stretch_and_back_undoes_it(open_as):
    pushed(50, 40, 5)
    page = open_as(person("olga", "see"), "/pushes/?span=1h&rows=25")
    rows = page.locator("#push-table tbody tr")
    expect(rows).to_have_count(3)
    drag(page, 0.02, 0.5)
    expect(rows).to_have_count(2)
    assert set(asked(page)) == {"rows", "from", "to"}
    expect(page.locator(".pd-range summary")).to_have_attribute("aria-current", "true")
    page.go_back()
    expect(rows).to_have_count(3)


def test_a_click_on_the_chart_zooms_nowhere(open_as):
    pushed(50, 5)
    page = open_as(person("olga", "see"), "/pushes/?span=1h")
    drag(page, 0.3, 0.301)
    expect(page.locator("#push-table tbody tr")).to_have_count(2)
    assert set(asked(page)) == {"span"}


def test_the_arrow_keys_choose_a_stretch_and_enter_shows_it(open_as):
    pushed(50, 1)
    page = open_as(person("olga", "see"), "/pushes/?span=1h")
    page.locator("[data-zoom]").focus()
    page.keyboard.press("ArrowRight")
    for _ in range(9):
        page.keyboard.press("Shift+ArrowLeft")
    expect(page.locator("[data-zoom-said]")).to_contain_text("press Enter to zoom")
    page.keyboard.press("Enter")
    expect(page.locator("#push-table tbody tr")).to_have_count(1)
    assert {"from", "to"} <= set(asked(page))


def test_a_range_is_typed_without_any_dragging_by_the_readers_clock(open_as):
    pushed(50, 5)
    page = open_as(person("olga", "see"), "/pushes/?span=1h")
    page.locator(".pd-range summary").click()
    half = timezone.now() - timedelta(minutes=30)
    page.get_by_label("From", exact=True).fill(f"{half:%Y-%m-%dT%H:%M:%S}")
    page.get_by_label("To", exact=True).fill("")
    page.get_by_role("button", name="Show this time").click()
    expect(page.locator("#push-table tbody tr")).to_have_count(1)


def test_dragging_on_live_leads_to_the_pushes_of_that_stretch(open_as):
    house.furnished()
    page = open_as(person("olga", "see"))
    expect(page.locator("[data-conn]")).to_have_attribute("data-state", "live")
    drag(page, 0.1, 0.9)
    expect(page.get_by_role("heading", level=1)).to_have_text("Pushes")
    expect(page.locator("#push-table tbody tr").first).to_be_visible()
    assert {"from", "to"} == set(asked(page))


def test_dragging_on_the_lanes_of_a_device_shows_that_part_of_them(open_as):
    push = house.furnished()
    page = open_as(person("olga", "see"), f"/devices/{push.device_id}/")
    marks = page.locator("#device-lanes a[href*='/pushes/']")
    expect(marks).to_have_count(3)
    drag(page, 0.2, 0.6)
    expect(page.locator("#device-lanes .pd-filter")).to_be_visible()
    assert {"from", "to"} == set(asked(page))
    expect(marks).to_have_count(0)
    assert violations(page) == []
    page.get_by_role("link", name="Leave this stretch").click()
    expect(marks).to_have_count(3)
    marks.first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("push")


@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing_on_a_chosen_range(open_as, width):
    pushed(50, 5)
    page = open_as(person("olga", "see"), "/pushes/?span=1h")
    page.set_viewport_size({"width": width, "height": 900})
    page.locator(".pd-range summary").click()
    assert in_both_themes(page) == []
    page.keyboard.press("Escape")
    page.locator("[data-zoom]").focus()
    page.keyboard.press("ArrowRight")
    assert in_both_themes(page) == []
