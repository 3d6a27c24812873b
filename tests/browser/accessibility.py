"""What axe-core finds on a page. It runs under the page's own strict policy."""

from __future__ import annotations

from importlib.resources import files

from playwright.sync_api import Page

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
#: WCAG 2.0 to 2.2, A and AA, and axe's best practices.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page: Page) -> list[str]:
    """Rule and element of each violation; none is what we want."""
    page.evaluate(AXE)
    result = page.evaluate(
        "tags => axe.run(document, {runOnly: tags, resultTypes: ['violations']})", TAGS
    )
    return [
        f"{found['id']}: {node['html'][:160]} {node['failureSummary'][:160]}"
        for found in result["violations"]
        for node in found["nodes"]
    ]
