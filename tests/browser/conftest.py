"""A real Chromium. Every page fails its test on a CSP violation or a console error."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    expect,
    sync_playwright,
)

from benchmarks import chromium
from tests.people import session_of

#: A violation of the policy becomes a console error of the page, and fails its test.
REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
"""
REFUSAL = re.compile(r"the server responded with a status of 4(03|04|10|22) ")
#: A busy machine takes its time.
PATIENCE_MS = 15_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not os.environ.get("PUSHDASH_NO_BROWSER"):
        return
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.skip(reason="PUSHDASH_NO_BROWSER is set"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    # Playwright's loop runs in this thread; Django's database guard takes it for async code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        started = chromium.launched(playwright)
        yield started
        started.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained of; the test fails when there is anything at its end."""
    return []


@pytest.fixture
def expect_refusals(complaints: list[str]) -> Iterator[None]:
    """Chromium complains of every 403, 404, 410 and 422; a test that opens one says so."""
    yield
    complaints[:] = [words for words in complaints if not REFUSAL.search(words)]


@pytest.fixture
def context(browser: Browser, base_url: str, complaints) -> Iterator[BrowserContext]:
    made = browser.new_context(
        base_url=base_url, viewport={"width": 1440, "height": 900}
    )
    made.set_default_timeout(PATIENCE_MS)
    made.add_init_script(REPORT_VIOLATIONS)
    made.on(
        "console",
        lambda message: (
            complaints.append(message.text) if message.type == "error" else None
        ),
    )
    made.on("weberror", lambda error: complaints.append(str(error.error)))
    yield made
    made.close()
    assert complaints == []


@pytest.fixture
def open_as(
    open_in: Callable[..., Page], context: BrowserContext
) -> Callable[..., Page]:
    """open_as(user, path): a page with that person logged in."""
    return partial(open_in, context)


@pytest.fixture
def open_in(base_url: str) -> Callable[..., Page]:
    """open_in(context, user, path): the same in a context that a test made."""

    def opened(context: BrowserContext, user, path: str = "/") -> Page:
        value = session_of(user)
        context.add_cookies([{"name": "sessionid", "value": value, "url": base_url}])
        page = context.new_page()
        page.goto(path)
        return page

    return opened
