"""axe-core finds nothing where a form was refused, and each says beside its field why."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from notifications.models import Push
from tests.browser import house
from tests.browser.accessibility import in_both_themes
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)
#: The narrowest: what is told beside a field takes most room there.
WIDTH = 390
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
    """Page → selectors of the forms on it that want something typed."""
    settings = ("apps", "credentials", "certificates", "people", "api-tokens")
    rules = f"apps/{push.app_id}"
    return {
        "/settings/": [
            f"form[action='/settings/{name}/']" for name in (*settings, rules)
        ],
        f"/settings/apps/{push.app_id}/what-if/": ["main form[method=get]"],
        f"/settings/apps/{push.app_id}/payloads/": ["main form[method=post]"],
        "/password/": ["main form"],
        "/settings/sources/try/": ["main form"],
        f"/devices/{push.device_id}/": ["form[action$='/reset/']"],
        f"/pushes/{push.pk}/": ["#resend_again"],
        "/pushes/": ["#add_view"],
        "/pushes/resend/?all=1&kind=same": ["form[action$='/start/']"],
        "/devices/many/?all=1&kind=reset&q=strikes:>=1": ["form[action$='/start/']"],
    }


def sent_empty(page: Page, form: str) -> None:
    """Send that form, and wait for the page that refuses it."""
    with page.expect_navigation():
        page.locator(form).first.evaluate(EMPTIED)
    expect(page.locator(REFUSED).first).to_be_visible()


def test_axe_finds_nothing_where_a_form_was_refused(open_as, expect_refusals):
    push = house.furnished()
    page = open_as(person("olga", *house.ALL), "/settings/")
    page.set_viewport_size({"width": WIDTH, "height": 900})
    found = {}
    for path, forms in refused_forms(push).items():
        for form in forms:
            page.goto(path)
            sent_empty(page, form)
            if words := in_both_themes(page, REFUSED):
                found[path, form] = words
    assert found == {}
