"""Bars of the live view: a wake seen as it happens, keys alone, names for screen readers, and
the way from every verdict to the line that proves it.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from notifications import live
from notifications.handling import settle
from registrations.models import Feed, LogFile
from tests import factories
from tests.browser import house
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)

LINE = "REGISTER sip:example.org SIP/2.0"


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def judged(now) -> None:
    Feed.objects.update(seen_until=now)
    settle(now)
    live.announce("verdicts", [])


def test_a_push_turns_from_accepted_to_its_wake_time_without_a_reload(open_as):
    moment = timezone.now() - seconds(4)
    factories.feed(seen_until=moment)
    device = factories.registered_device("sip:alice@example.org")
    factories.accepted_push(device, moment)
    page = open_as(person("olga", "see"))
    row = page.locator("#live-feed li[data-push]")
    expect(row).to_contain_text("accepted, awaited")
    page.evaluate("document.body.dataset.kept = 'yes'")
    # APNs took it 0.1 s after it left.
    factories.sighting(device, moment + seconds(2.0))
    judged(timezone.now())
    expect(row).to_contain_text("woke in 1.9 s")
    expect(page.locator("#live-kpis")).to_contain_text("1 of 1")
    assert page.evaluate("document.body.dataset.kept") == "yes"


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the focused element has this name or text; within one page's round."""
    # The body, which has the focus before the first Tab has come through, holds every text.
    told = (
        "(e => e === document.body ? '' : "
        "e.getAttribute('aria-label') || e.textContent.trim())"
    )
    for _ in range(80):
        page.keyboard.press("Tab")
        if name in page.evaluate(f"{told}(document.activeElement)"):
            return
    raise AssertionError(f"Tab never came to {name!r}")


def test_keys_alone_pause_let_in_filter_and_follow_a_strike_to_its_push(open_as):
    push = house.furnished()
    page = open_as(person("olga", "see"))
    expect(page.locator("[data-conn]")).to_contain_text("live")
    page.keyboard.press("p")
    pause = page.locator("[data-feed-pause]")
    expect(pause).to_have_attribute("aria-pressed", "true")
    factories.accepted_push(push.device, timezone.now(), push_type="alert")
    expect(page.locator("[data-feed-new]")).to_have_text("1 new")
    tab_to(page, "1 new")
    page.keyboard.press("Enter")
    expect(page.locator("#live-feed")).to_contain_text("alert, accepted")
    page.keyboard.press("p")
    expect(pause).to_have_attribute("aria-pressed", "false")

    board = page.locator(".pd-board li[data-device]")
    expect(board).to_have_count(2)
    page.locator("#main").focus()
    tab_to(page, "Silent")
    page.keyboard.press("Enter")
    expect(board.locator("visible=true")).to_have_count(1)
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    tab_to(page, "Open sip:bartholomew")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("bartholomew")
    tab_to(page, "Why")
    page.keyboard.press("Enter")
    drawer = page.get_by_role("dialog")
    expect(drawer).to_contain_text("Why this is strike")
    tab_to(page, "View push")
    page.keyboard.press("Enter")
    expect(page.locator("#verdict")).to_contain_text("Verdict: unhandled")


def test_board_rows_stay_under_the_pointer_and_fall_in_line_behind_it(open_as):
    moment = timezone.now() - seconds(305)
    factories.feed(seen_until=moment)
    first, second = (
        factories.registered_device(f"sip:{name}@example.org")
        for name in ("zoe", "ann")
    )
    factories.accepted_push(first, moment)
    judged(timezone.now())
    page = open_as(person("olga", "see"))
    names = page.locator(".pd-board li[data-device] a.aor")
    expect(names).to_have_count(1)
    page.locator(".pd-board li[data-device]").first.hover()
    # None of their ages changes its minute while the test runs.
    for later in (90, 150):
        factories.accepted_push(second, moment + seconds(later))
    factories.accepted_push(first, moment + seconds(91))
    judged(timezone.now())
    # What the row says is new, but no row came in above it.
    row = page.locator(".pd-board li[data-device]").first
    expect(row.get_by_role("img", name="2 of 3 strikes")).to_be_visible()
    expect(names).to_have_count(1)
    page.locator("h1").hover()
    expect(names).to_have_count(2)
    expect(names.first).to_contain_text("ann")


def test_a_screen_reader_hears_meters_and_charts(open_as):
    house.furnished()
    page = open_as(person("olga", "see"))
    board = page.get_by_role("region", name="Blacklist risk")
    expect(board.get_by_role("img", name="2 of 3 strikes")).to_have_count(1)
    bars = page.get_by_role("img", name="Stacked bars, push outcomes of the last 1 h:")
    expect(bars).to_have_accessible_name(
        "Stacked bars, push outcomes of the last 1 h: Woken 0, Remote, accepted 0, "
        "Accepted, app did not wake 3, Rejected by APNs 1."
    )
    wake = page.get_by_role("img", name="Wake time histogram in seconds:")
    expect(wake).to_have_accessible_name(
        "Wake time histogram in seconds: <1 0, 1–2 0, 2–3 0, 3–5 0, 5–10 0, 10–30 0, none 0."
    )
    for words, name in (
        ("Push outcomes as a table", "Push outcomes, scrollable"),
        ("Wake times as a table", "Wake times, scrollable"),
    ):
        page.get_by_text(words).click()
        expect(
            page.get_by_role("region", name=name).get_by_role("table")
        ).to_be_visible()


def test_the_tables_beside_the_charts_follow_without_a_reload(open_as):
    push = house.furnished()
    page = open_as(person("olga", "see"))
    page.get_by_text("Push outcomes as a table").click()
    cells = page.locator("#live-outcomes_table tbody tr:last-child td")
    before = cells.all_inner_texts()
    factories.accepted_push(push.device, timezone.now(), push_type="alert")
    expect(cells).not_to_have_text(before, timeout=15_000)
    expect(page.locator("#live-outcomes_table")).to_be_visible()


@pytest.fixture
def verdicts(transactional_db) -> dict[str, str]:
    """One phone for each verdict; words of its row → what its page must show."""
    now = timezone.now() - seconds(300)
    factories.app()
    feed = factories.feed(seen_until=now, path="/var/log/proxy.log")
    phones = {
        name: factories.registered_device(f"sip:{name}@example.org")
        for name in ("woken", "late", "mixed", "open", "asleep", "away")
    }
    for name, device in phones.items():
        state = "rejected" if name == "away" else "accepted"
        factories.accepted_push(device, now, call_id=f"c-{name}", state=state)
    factories.sighting(phones["woken"], now + seconds(2), line=f"{LINE} woken")
    factories.sighting(phones["late"], now + seconds(60), line=f"{LINE} late")
    factories.accepted_push(phones["mixed"], now + seconds(3), push_type="alert")
    factories.sighting(phones["mixed"], now + seconds(5), line=f"{LINE} mixed")
    factories.sighting(phones["open"], now - seconds(5), line=f"{LINE} open")
    LogFile.objects.filter(feed=feed).update(position=123_456)
    judged(timezone.now())
    return {
        "woken": f"{LINE} woken",
        "late": f"{LINE} late",
        "mixed": f"{LINE} mixed",
        "open": f"{LINE} open",
        "asleep": "/var/log/proxy.log, byte 123,456",
        "away": "rejected",
    }


@pytest.mark.parametrize("path", ["/", "/pushes/?span=all"])
def test_every_verdict_leads_to_the_line_that_proves_it(open_as, verdicts, path):
    """Of an unhandled one: to how far each log was read that could have shown a proof."""
    page = open_as(person("olga", "see"), path)
    for name, proof in verdicts.items():
        page.goto(path)
        row = page.locator("[data-row]:has(a[href^='/pushes/'])", has_text=name)
        row.last.locator("a[href^='/pushes/']").first.click()
        expect(page.locator("#verdict")).to_be_visible()
        expect(page.locator("main")).to_contain_text(proof)
        if proof.startswith(LINE):
            line = page.get_by_label("The line that proves it")
            expect(line).to_have_text(proof)
            expect(page.locator("#verdict")).to_contain_text("/var/log/proxy.log")


def test_a_strike_on_the_board_leads_to_its_push_and_what_was_read(open_as, verdicts):
    page = open_as(person("olga", "see"))
    page.locator(".pd-board").get_by_role("link", name="Open sip:asleep").click()
    page.locator(".pd-slot a[href^='/pushes/']").first.click()
    expect(page.locator("#verdict")).to_contain_text("Verdict: unhandled")
    expect(page.locator("#verdict")).to_contain_text(verdicts["asleep"])
