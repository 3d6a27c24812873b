"""Pages stay where they are: nothing jumps while they load or follow, and back leads back."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from notifications import live
from tests import factories
from tests.browser import house
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)

#: Sum of https://web.dev/articles/cls: below 0.1 is good.
SHIFTS = """() => new Promise((done) => {
  let sum = 0;
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) sum += one.value;
  }).observe({type: 'layout-shift', buffered: true});
  setTimeout(() => done(sum), 300);
})"""
GOOD = 0.1


@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_jumps_while_a_page_loads(open_as, width):
    push = house.furnished()
    page = open_as(person("olga", *house.ALL), "/settings/")
    page.set_viewport_size({"width": width, "height": 900})
    jumps = {}
    for path in (
        *("/", "/devices/", "/pushes/", "/failures/", "/fleet/", "/malformed/"),
        *(f"/devices/{push.device_id}/", f"/pushes/{push.pk}/", "/audit/"),
    ):
        page.goto(path)
        jumps[path] = page.evaluate(SHIFTS)
    assert {path: jump for path, jump in jumps.items() if jump > GOOD} == {}


def test_a_jump_would_be_seen(open_as):
    house.furnished()
    page = open_as(person("olga", *house.ALL), "/devices/")
    page.wait_for_timeout(600)  # what moves soon after a click or a load is expected
    block = "document.querySelector('main').prepend(document.createElement('div'))"
    page.evaluate(f"{block}; document.querySelector('main div').style.height = '400px'")
    assert page.evaluate(SHIFTS) > GOOD


def test_nothing_jumps_when_live_shows_a_new_push(open_as):
    push = house.furnished()
    page = open_as(person("olga", *house.ALL), "/")
    expect(page.locator("[data-conn]")).to_contain_text("live")
    factories.accepted_push(push.device, timezone.now())
    live.announce("pushes", [])
    feed = page.locator("#live-feed li[data-push]")
    before = feed.count()
    expect(page.locator("#live-feed")).to_contain_text("accepted, awaited")
    assert feed.count() >= before
    assert page.evaluate(SHIFTS) <= GOOD


def test_back_leads_to_the_list_as_it_was_left(open_as):
    push = house.furnished()
    page = open_as(person("olga", *house.ALL), "/devices/?q=strikes:>=1&sort=strikes")
    shown = page.locator("#device-table tbody tr").count()
    page.locator("#device-table a.aor").first.click()
    expect(page).to_have_url(
        f"{page.url.partition('/devices')[0]}/devices/{push.device_id}/"
    )
    page.get_by_role("link", name="View push").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("VoIP push to")
    page.go_back()
    page.go_back()
    assert page.url.endswith(
        "/devices/?q=strikes:%3E=1&sort=strikes"
    ) or page.url.endswith("/devices/?q=strikes:>=1&sort=strikes")
    expect(page.locator("#device-table tbody tr")).to_have_count(shown)
