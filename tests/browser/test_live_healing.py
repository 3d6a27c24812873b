"""The live page while pushdash is killed, frozen or late: stale at once, then healed."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from tests import factories, server
from tests.people import person, session_of

pytestmark = pytest.mark.django_db(transaction=True)

#: No frame for 3 s is stale; a busy test machine gets this much.
STALE_MS = 8_000


class Server:
    """A web process that a test may kill, freeze and start again on its port."""

    def __init__(self) -> None:
        self.port = server.free_port()
        self.process = server.start(self.port)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """kill -9"""
        self.process.kill()
        self.process.wait(10)

    def start_again(self) -> None:
        """The same address, a new process."""
        self.process = server.start(self.port)

    def send(self, what: signal.Signals) -> None:
        """A signal."""
        os.kill(self.process.pid, what)


@pytest.fixture
def web(transactional_db) -> Iterator[Server]:
    started = Server()
    yield started
    started.send(signal.SIGCONT)
    started.kill()


@pytest.fixture
def page(browser: Browser, web: Server) -> Iterator[Page]:
    """The live page of that server, live, and marked so that a reload would show."""
    factories.feed(seen_until=timezone.now())
    alice = factories.registered_device("sip:alice@example.org")
    factories.accepted_push(alice, timezone.now())
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(15_000)
    value = session_of(person("olga", "see"))
    context.add_cookies([{"name": "sessionid", "value": value, "url": web.url}])
    opened = context.new_page()
    opened.goto(web.url)
    expect(opened.locator("[data-conn]")).to_contain_text("live")
    opened.evaluate("document.body.dataset.kept = 'yes'")
    yield opened
    context.close()


def assert_stale(page: Page) -> None:
    expect(page.locator("[data-conn]")).to_contain_text(
        "reconnecting", timeout=STALE_MS
    )
    expect(page.locator("[data-stale]")).to_be_visible()
    expect(page.locator("link[rel=icon]")).to_have_attribute(
        "href", re.compile("stale")
    )


def assert_healed(page: Page, words: str) -> None:
    expect(page.locator("#live-feed")).to_contain_text(words)
    expect(page.locator("[data-conn]")).to_contain_text("live")
    expect(page.locator("[data-stale]")).to_be_hidden()
    assert page.evaluate("document.body.dataset.kept") == "yes"


def push_to(name: str) -> None:
    device = factories.registered_device(f"sip:{name}@example.org")
    factories.accepted_push(device, timezone.now())


def test_a_killed_server_shows_as_stale_at_once_and_what_was_missed_is_healed(
    page, web
):
    web.kill()
    assert_stale(page)
    expect(page.locator("#live-feed")).to_contain_text("alice")
    push_to("bob")
    web.start_again()
    assert_healed(page, "bob")


def test_a_frozen_server_shows_as_stale_though_its_socket_is_open(page, web):
    web.send(signal.SIGSTOP)
    assert_stale(page)
    push_to("bob")
    web.send(signal.SIGCONT)
    assert_healed(page, "bob")


def test_a_paused_feed_keeps_its_rows_while_the_server_comes_back(page, web):
    page.get_by_role("button", name="Pause live feed").click()
    rows = page.locator("#live-feed li[data-push]")
    before = rows.first.get_attribute("data-push")
    web.kill()
    assert_stale(page)
    push_to("bob")
    push_to("carol")
    web.start_again()
    expect(page.locator("[data-feed-new]")).to_have_text("2 new")
    assert rows.count() == 1
    assert rows.first.get_attribute("data-push") == before
    page.get_by_role("button", name="Resume live feed").click()
    assert_healed(page, "carol")
    expect(rows).to_have_count(3)


def test_frames_that_come_late_show_as_stale_though_they_come(open_as):
    """A server that lags: each frame is in time, but its rows were read long ago."""
    factories.feed(seen_until=timezone.now())
    page = open_as(person("olga", "see"))
    lag = {"seconds": 0.0}
    frames = []

    def delayed(socket) -> None:
        behind = socket.connect_to_server()
        behind.on_message(lambda text: passed_on(socket, text))

    def passed_on(socket, text: str) -> None:
        frame = json.loads(text)
        at = timezone.now() - timedelta(seconds=lag["seconds"])
        frames.append(frame["seq"])
        socket.send(json.dumps(frame | {"at": at.isoformat()}))

    page.route_web_socket("**/ws/live/*", delayed)
    page.reload()
    conn = page.locator("[data-conn]")
    expect(conn).to_contain_text("live")
    lag["seconds"] = 20
    expect(conn).to_contain_text("reconnecting", timeout=STALE_MS)
    expect(page.locator("[data-stale]")).to_contain_text("figures of 2")
    lag["seconds"] = 0
    expect(conn).to_contain_text("live")
    assert frames


def test_a_right_taken_away_leaves_the_page(open_as, expect_refusals):
    factories.feed(seen_until=timezone.now())
    user = person("olga", "see")
    page = open_as(user)
    expect(page.locator("[data-conn]")).to_contain_text("live")
    user.user_permissions.clear()
    # The right is asked for again every 5 s.
    expect(page.locator("#live-feed")).to_have_count(0, timeout=20_000)
