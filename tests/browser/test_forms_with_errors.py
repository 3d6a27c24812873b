"""axe-core finds nothing where a form was refused, and each says beside its field why."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from notifications.models import Push
from tests.browser import house
from tests.browser.accessibility import in_both_themes
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)
WIDTHS = (1440, 390)
#: The rest of each page is looked at in `test_pages`.
REFUSED = "main form:has([role=alert])"
#: Sends a form with nothing typed, as a browser without its own checks would.
EMPTIED = """form => {
  form.querySelectorAll('input:not([type=hidden]), textarea').forEach((field) => {
    field.value = '';
  });
  form.submit();
}"""


def refused_forms(push: Push) -> dict[str, list[str]]:
    """Page → the forms on it that want something typed, by where they are sent."""
    return {
        "/settings/": [
            "/settings/apps/",
            "/settings/credentials/",
            "/settings/certificates/",
            "/settings/people/",
            "/settings/api-tokens/",
            f"/settings/apps/{push.app_id}/",
        ],
        "/password/": [""],
        "/settings/sources/try/": [""],
        f"/devices/{push.device_id}/": [f"/devices/{push.device_id}/reset/"],
        f"/pushes/{push.pk}/": [f"/pushes/{push.pk}/resend/"],
        "/pushes/": ["/views/"],
        "/pushes/resend/?all=1&kind=same": ["/pushes/resend/start/"],
        "/devices/many/?all=1&kind=reset&q=strikes:>=1": ["/devices/many/start/"],
    }


def sent_empty(page: Page, action: str) -> None:
    """Send that form, and wait for the page that refuses it."""
    which = f"[action='{action}']" if action else ":not([action])"
    form = page.locator(f"main form[method=post]{which}").first
    with page.expect_navigation():
        form.evaluate(EMPTIED)
    expect(page.locator(REFUSED).first).to_be_visible()


def test_axe_finds_nothing_where_a_form_was_refused(open_as, expect_refusals):
    push = house.furnished()
    page = open_as(person("olga", *house.ALL), "/settings/")
    found = {}
    for path, actions in refused_forms(push).items():
        for action in actions:
            page.goto(path)
            sent_empty(page, action)
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                if words := in_both_themes(page, REFUSED):
                    found[path, action, width] = words
    assert found == {}
