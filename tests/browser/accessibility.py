"""What axe-core finds on a page. It runs under the page's own strict policy."""

from __future__ import annotations

from importlib.resources import files

from playwright.sync_api import Page

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
#: WCAG 2.0 to 2.2, A and AA, and axe's best practices.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
#: The rules that look at colours: a theme changes nothing else.
OF_COLOURS = ["color-contrast", "link-in-text-block"]
#: Only what was found comes back from the browser.
RUN = """only => axe.run(document, {runOnly: only, resultTypes: ["violations"]})
    .then((result) => result.violations)"""


def violations(page: Page) -> list[str]:
    """Rule and element of each violation; none is what we want."""
    return _violations(page, {"type": "tag", "values": TAGS})


def _violations(page: Page, only: dict) -> list[str]:
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    result = page.evaluate(RUN, only)
    return [
        f"{found['id']}: {node['html'][:160]} {node['failureSummary'][:160]}"
        for found in result
        for node in found["nodes"]
    ]


def in_both_themes(page: Page) -> list[str]:
    """The same, light and dark; the page is loaded once, and dark its colours are looked at."""
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    found = [f"light: {words}" for words in violations(page)]
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    rules = {"type": "rule", "values": OF_COLOURS}
    return found + [f"dark: {words}" for words in _violations(page, rules)]
