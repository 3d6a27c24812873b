"""What opens fits into its window, and long runs are as readable as short ones."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from notifications.handling import settle
from tests import factories
from tests.browser import house
from tests.browser.accessibility import in_both_themes
from tests.notifications.people import credential_of
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)

#: Opens each menu of the page in turn; the names of those that stick out.
STICKING_OUT = """() => [...document.querySelectorAll('main details.pd-menu')]
  .filter((menu) => {
    menu.open = true;
    const box = menu.querySelector('.pd-pop').getBoundingClientRect();
    menu.open = false;
    return box.left < 0 || box.right > innerWidth || box.width === 0;
  }).map((menu) => menu.querySelector('summary').textContent.trim())"""


@pytest.mark.parametrize("width", [390, 1024, 1440])
def test_every_menu_opens_inside_the_window(open_as, width):
    push = house.furnished()
    for name in ("peter", "mary-with-a-long-name"):
        person(name, "see")
    page = open_as(person("olga", *house.ALL), "/settings/")
    page.set_viewport_size({"width": width, "height": 900})
    out = {}
    for path in (
        "/devices/?q=",
        "/pushes/",
        f"/devices/{push.device_id}/",
        "/failures/",
        "/failures/?tab=refused",
        "/audit/",
        "/malformed/",
        "/settings/",
    ):
        page.goto(path)
        out[path] = page.evaluate(STICKING_OUT)
    assert {path: names for path, names in out.items() if names} == {}
    page.locator("summary[aria-label^='Your menu']:visible").click()
    button = page.get_by_role("button", name="Log out").locator("visible=true")
    box = button.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= width


def test_no_column_of_a_list_is_cut_off_on_a_laptop(open_as):
    house.furnished()
    page = open_as(person("olga", *house.ALL), "/settings/")
    hidden = {}
    for path in ("/devices/?q=", "/pushes/?span=all"):
        page.goto(path)
        for width in (1024, 1200, 1280, 1440):
            page.set_viewport_size({"width": width, "height": 800})
            hidden[path, width] = page.locator(".pd-scroll.tall").evaluate(
                "(box) => box.scrollWidth - box.clientWidth"
            )
    assert {where: pixels for where, pixels in hidden.items() if pixels > 0} == {}


def test_the_numbers_of_a_long_run_can_be_read(open_as):
    now = timezone.now()
    credential_of(factories.app())
    factories.feed(seen_until=now)
    device = factories.registered_device()
    for number in range(12):
        factories.accepted_push(device, now - timedelta(minutes=2 * number + 2))
    settle(now)
    page = open_as(person("olga", "see"), f"/devices/{device.pk}/")
    assert page.locator(".pd-slot > i").last.inner_text() == "12"
    assert in_both_themes(page) == []
