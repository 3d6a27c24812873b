"""The live page in a real browser: sign-in, rows, and what changes without a reload."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from notifications import live, live_reads
from notifications.handling import settle
from tests import factories
from tests.browser import house
from tests.people import PASSWORD, person

pytestmark = pytest.mark.django_db(transaction=True)


def test_signing_in_leads_to_the_live_page(context):
    person("olga", "see")
    page = context.new_page()
    page.goto("/")
    page.get_by_label("User name").fill("olga")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Live", exact=True)).to_be_visible()


def test_a_wrong_password_is_said_and_nobody_is_signed_in(context):
    person("olga", "see")
    page = context.new_page()
    page.goto("/login/")
    page.get_by_label("User name").fill("olga")
    page.get_by_label("Password").fill("something else")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("Not signed in")


def test_without_a_feed_the_page_teaches_to_connect_a_log(open_as):
    page = open_as(person("olga", "see"))
    expect(page.locator("#main")).to_contain_text("Connect a log source")


def test_a_new_verdict_appears_without_a_reload(open_as):
    moment = timezone.now() - timedelta(seconds=50)
    feed = factories.feed(seen_until=moment)
    device = factories.registered_device("sip:alice@example.org")
    factories.accepted_push(device, moment)
    page = open_as(person("olga", "see"))
    expect(page.locator("[data-conn]")).to_contain_text("live")
    expect(page.locator("#live-feed")).to_contain_text("alice")
    expect(page.locator(".pd-board")).to_have_count(0)
    page.evaluate("document.body.dataset.kept = 'yes'")

    feed.seen_until = timezone.now()
    feed.save()
    settle(timezone.now())
    live.announce("verdicts", [])

    row = page.locator(".pd-board li[data-device]")
    expect(row).to_contain_text("alice")
    expect(row.get_by_role("img", name="1 of 3 strikes")).to_be_visible()
    expect(page.locator("#live-feed")).to_contain_text("did not wake")
    assert page.evaluate("document.body.dataset.kept") == "yes"


def test_a_paused_feed_holds_its_rows_and_counts_the_new_ones(open_as):
    factories.feed(seen_until=timezone.now())
    device = factories.registered_device("sip:alice@example.org")
    page = open_as(person("olga", "see"))
    expect(page.locator("[data-conn]")).to_contain_text("live")
    page.get_by_role("button", name="Pause live feed").click()
    factories.accepted_push(device, timezone.now())
    waiting = page.locator("[data-feed-new]")
    expect(waiting).to_have_text("1 new")
    expect(page.locator("#live-feed")).not_to_contain_text("alice")
    waiting.click()
    expect(page.locator("#live-feed")).to_contain_text("alice")


def test_the_number_of_new_ones_is_of_the_chosen_kind_and_says_when_there_may_be_more(
    open_as,
):
    factories.feed(seen_until=timezone.now())
    device = factories.registered_device("sip:alice@example.org")
    factories.accepted_push(device, timezone.now())
    page = open_as(person("olga", "see"))
    expect(page.locator("#live-feed li[data-push]")).to_have_count(1)
    page.get_by_role("button", name="Pause live feed").click()
    page.get_by_label("Show in the feed").select_option("remote")
    factories.accepted_push(device, timezone.now())
    factories.accepted_push(device, timezone.now(), push_type="alert")
    waiting = page.locator("[data-feed-new]")
    expect(waiting).to_have_text("1 new")
    page.get_by_label("Show in the feed").select_option("")
    expect(waiting).to_have_text("2 new")
    for _ in range(live_reads.FEED_ROWS):
        factories.accepted_push(device, timezone.now())
    expect(waiting).to_have_text(f"{live_reads.FEED_ROWS}+ new")


def test_the_feed_shows_what_is_chosen_also_after_it_was_renewed(open_as):
    factories.feed(seen_until=timezone.now())
    alice = factories.registered_device("sip:alice@example.org")
    bob = factories.registered_device("sip:bob@example.org")
    factories.accepted_push(alice, timezone.now())
    factories.accepted_push(bob, timezone.now(), push_type="alert")
    page = open_as(person("olga", "see"))
    feed = page.locator("#live-feed")
    page.get_by_label("Show in the feed").select_option("remote")
    expect(feed.get_by_text("alice")).to_be_hidden()
    expect(feed.get_by_text("bob")).to_be_visible()
    page.locator("h1").click()
    factories.accepted_push(bob, timezone.now(), push_type="alert")
    expect(feed.locator("li:visible")).to_have_count(2)
    expect(feed.get_by_text("alice")).to_be_hidden()


def test_a_feed_that_is_behind_is_named_before_any_strike(open_as):
    factories.app()
    factories.feed("edge-proxy", seen_until=timezone.now() - timedelta(seconds=41))
    page = open_as(person("olga", "see"))
    held = page.locator("#live-held")
    expect(held).to_contain_text("Verdicts held: feed edge-proxy is")
    expect(held).to_contain_text("s behind")
    expect(page.locator("#live-board")).to_contain_text("suspected from 3 strikes")


def test_the_page_says_what_it_assumes(open_as):
    factories.feed("xlog", seen_until=timezone.now(), has_assumed=True)
    page = open_as(person("olga", "see"))
    expect(page.locator("#live-held")).to_contain_text("Assume accepted: xlog")


def test_the_tab_shows_the_state_and_a_lost_connection_is_said(open_as, base_url):
    push = house.furnished()
    page = open_as(person("olga", "see"))
    closed = []
    page.route_web_socket("**/ws/live/*", lambda socket: closed.append(socket))
    assert page.title().startswith("(1) Live")
    assert "risk" in page.locator("link[rel=icon]").get_attribute("href")
    page.reload()
    conn = page.locator("[data-conn]")
    expect(conn).to_contain_text("reconnecting", timeout=15_000)
    expect(page.locator("[data-stale]")).to_be_visible()
    expect(page.locator("link[rel=icon]")).to_have_attribute(
        "href", re.compile("stale")
    )
    assert closed, push


def test_the_page_reads_without_script(browser, base_url, open_as, context):
    factories.feed(seen_until=timezone.now())
    factories.accepted_push(
        factories.registered_device("sip:alice@example.org"), timezone.now()
    )
    open_as(person("olga", "see"))
    bare = browser.new_context(
        base_url=base_url,
        java_script_enabled=False,
        storage_state=context.storage_state(),
    )
    page = bare.new_page()
    page.goto("/")
    expect(page.locator("#live-feed")).to_contain_text("alice")
    bare.close()


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_the_page_never_scrolls_sideways(open_as, width):
    factories.feed(seen_until=timezone.now())
    page = open_as(person("olga", "see"))
    page.set_viewport_size({"width": width, "height": 900})
    page.reload()
    inner, outer = page.evaluate(
        "[document.documentElement.scrollWidth, window.innerWidth]"
    )
    assert inner <= outer


def test_the_theme_stays_after_a_reload(open_as):
    page = open_as(person("olga", "see"))
    before = page.locator("html").get_attribute("data-bs-theme")
    page.get_by_role("button", name="Switch between light and dark theme").click()
    page.reload()
    after = page.locator("html").get_attribute("data-bs-theme")
    assert {before, after} == {"light", "dark"}


def test_a_region_that_is_exchanged_leaves_the_focus_where_it_was(open_as):
    factories.feed(seen_until=timezone.now())
    page = open_as(person("olga", "see"))
    link = page.locator("#main a[href$='#sources']").first
    link.focus()
    # Its age is told anew each second: the whole region is exchanged, and the mark is gone.
    link.evaluate("one => one.closest('[id^=live-]').setAttribute('data-mark', '')")
    expect(page.locator("[data-mark]")).to_have_count(0)
    expect(link).to_be_focused()
