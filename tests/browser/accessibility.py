"""What axe-core finds on a page. It runs under the page's own strict policy."""

from __future__ import annotations

from importlib.resources import files

from playwright.sync_api import Page

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
#: WCAG 2.0 to 2.2, A and AA, and axe's best practices.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
#: Only what was found comes back from the browser.
RUN = """([tags, within]) => axe
    .run(within || document, {runOnly: tags, resultTypes: ["violations"]})
    .then((result) => result.violations)"""


def violations(page: Page, within: str = "") -> list[str]:
    """Rule and element of each violation; none is what we want. `within`: a selector of what
    is looked at, where the rest of the page was before.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    result = page.evaluate(RUN, [TAGS, within])
    return [
        f"{found['id']}: {node['html'][:160]} {node['failureSummary'][:160]}"
        for found in result
        for node in found["nodes"]
    ]


def in_both_themes(page: Page, within: str = "") -> list[str]:
    """The same, light and dark; the page is loaded once."""
    found = []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        found += [f"{theme}: {words}" for words in violations(page, within)]
    return found
