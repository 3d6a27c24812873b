"""axe-core finds nothing before a login, in an empty house, in dialogs, menus and tabs.

The full pages are in `test_pages`.
"""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from notifications.models import Refusal
from tests.browser import house
from tests.browser.accessibility import in_both_themes
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)

WIDTHS = {"desk": 1440, "phone": 390}
SIZES = pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)


def narrowed(page: Page, width: int) -> Page:
    page.set_viewport_size({"width": width, "height": 900})
    return page


@SIZES
def test_axe_finds_nothing_before_anybody_logs_in(context, width, expect_refusals):
    page = narrowed(context.new_page(), width)
    for path in ("/login/", "/first-run/no-such-link/"):
        page.goto(path)
        assert in_both_themes(page) == []


@SIZES
def test_axe_finds_nothing_on_an_empty_house(open_as, width):
    page = narrowed(open_as(person("olga", *house.ALL), "/"), width)
    for path in ("/", "/devices/", "/pushes/", "/failures/", "/settings/"):
        page.goto(path)
        assert in_both_themes(page) == [], path


def test_axe_finds_nothing_in_dialogs_menus_and_tabs(open_as):
    push = house.furnished()
    page = open_as(person("olga", *house.ALL), f"/devices/{push.device_id}/")
    page.get_by_role("button", name="Why").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("Why this is strike 1")
    assert in_both_themes(page) == []
    page.keyboard.press("Escape")
    page.get_by_text("Reset strikes").first.click()
    assert in_both_themes(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert in_both_themes(page) == []
    page.goto(f"/pushes/{push.pk}/")
    for name in ("Headers", "Response"):
        page.get_by_role("tab", name=name).click()
        assert in_both_themes(page) == []
    page.goto("/pushes/")
    for name in ("Views", "Display"):
        page.locator("main summary", has_text=name).click()
        assert in_both_themes(page) == []
    page.goto("/settings/")
    for summary in page.locator("main summary").all():
        summary.click()
    assert in_both_themes(page) == []


@SIZES
def test_axe_finds_nothing_where_payloads_and_refusals_are_shown(open_as, width):
    push = house.furnished()
    Refusal.objects.create(
        door="api",
        status=422,
        why="type: must be voip, alert or background",
        address="192.0.2.9",
        asked={"type": "call"},
        fingerprint="1",
        number=3,
        first_at=push.created_at,
        at=timezone.now(),
    )
    page = narrowed(open_as(person("olga", *house.ALL), "/"), width)
    for path in (f"/settings/apps/{push.app_id}/payloads/", "/failures/?tab=refused"):
        page.goto(path)
        for summary in page.locator("main summary").all():
            summary.click()
        assert in_both_themes(page) == [], path
