"""axe-core finds nothing before a login, in an empty house, in dialogs, menus and tabs.

The full pages are in `test_pages`.
"""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from notifications.models import Refusal
from tests.browser import house
from tests.browser.accessibility import violations
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)

WIDTHS = {"desk": 1440, "phone": 390}
LOOKS = pytest.mark.parametrize("theme", ["light", "dark"])
SIZES = pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)


def look(page: Page, width: int, theme: str) -> None:
    """Take on a width and a theme."""
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 900})


@LOOKS
@SIZES
def test_axe_finds_nothing_before_anybody_logs_in(
    context, width, theme, expect_refusals
):
    page = context.new_page()
    look(page, width, theme)
    for path in ("/login/", "/first-run/no-such-link/"):
        page.goto(path)
        assert violations(page) == []


@LOOKS
@SIZES
def test_axe_finds_nothing_on_an_empty_house(open_as, width, theme):
    page = open_as(person("olga", *house.ALL), "/")
    look(page, width, theme)
    for path in ("/", "/devices/", "/pushes/", "/failures/", "/settings/"):
        page.goto(path)
        assert violations(page) == [], path


@LOOKS
def test_axe_finds_nothing_in_dialogs_menus_and_tabs(open_as, theme):
    push = house.furnished()
    page = open_as(person("olga", *house.ALL), f"/devices/{push.device_id}/")
    look(page, 1440, theme)
    page.get_by_role("button", name="Why").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("Why this is strike 1")
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.get_by_text("Reset strikes").first.click()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert violations(page) == []
    page.goto(f"/pushes/{push.pk}/")
    for name in ("Headers", "Response"):
        page.get_by_role("tab", name=name).click()
        assert violations(page) == []
    page.goto("/pushes/")
    for name in ("Views", "Display"):
        page.locator("main summary", has_text=name).click()
        assert violations(page) == []
    page.goto("/settings/")
    for summary in page.locator("main summary").all():
        summary.click()
    assert violations(page) == []


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_axe_finds_nothing_where_payloads_and_refusals_are_shown(open_as, width, theme):
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
    page = open_as(person("olga", *house.ALL), "/")
    look(page, width, theme)
    for path in (f"/settings/apps/{push.app_id}/payloads/", "/failures/?tab=refused"):
        page.goto(path)
        for summary in page.locator("main summary").all():
            summary.click()
        assert violations(page) == [], path
