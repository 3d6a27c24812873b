"""Without JavaScript everything can be read and one push resent; a case file can be printed."""

from __future__ import annotations

from functools import partial

import pytest
from playwright.sync_api import Browser, expect

from notifications.models import Push
from tests.browser import house
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def plain(browser: Browser, base_url: str, open_in):
    """plain(user, path): a page of a browser that runs no script."""
    made = browser.new_context(base_url=base_url, java_script_enabled=False)
    made.set_default_timeout(15_000)
    yield partial(open_in, made)
    made.close()


def test_every_page_can_be_read_without_script(plain):
    push = house.furnished()
    page = plain(person("olga", *house.ALL), "/")
    for path in house.paths(push):
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.locator("button.js:visible")).to_have_count(0)
    page.goto(f"/pushes/{push.pk}/")
    for panel in ("payload", "headers", "response", "curl"):
        expect(page.locator(f"#panel-{panel}")).to_be_visible()
    expect(page.get_by_role("tab")).to_have_count(0)


def test_one_push_is_resent_without_script(plain):
    push = house.furnished()
    page = plain(person("olga", *house.ALL), f"/pushes/{push.pk}/")
    page.get_by_label("Reason, kept in the activity log").fill("asked by the caller")
    page.get_by_role("button", name="Resend VoIP push anyway").click()
    expect(page.locator("#main")).to_contain_text("resend of")
    assert Push.objects.filter(resend_of=push).count() == 1


def test_lists_are_filtered_paged_and_shown_otherwise_without_script(plain):
    house.furnished()
    page = plain(person("olga", *house.ALL), "/devices/?q=")
    page.get_by_label("Query").fill("strikes:>=1")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator(".pd-filter")).to_contain_text("1 or more")
    page.locator("main summary", has_text="Display").click()
    page.get_by_label("Rows a page").select_option("25")
    page.get_by_role("button", name="Apply").click()
    assert "rows=25" in page.url and "strikes" in page.url


def test_a_printed_case_file_is_the_case_alone(open_as):
    push = house.furnished()
    page = open_as(person("olga", "see"), f"/pushes/{push.pk}/case")
    page.emulate_media(media="print")
    for part in (".pd-side", ".pd-bar", ".crumb", ".no-print"):
        expect(page.locator(part).first).to_be_hidden()
    expect(page.get_by_role("heading", name="Next steps")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert "+00:00" not in page.locator("#main").inner_text()
