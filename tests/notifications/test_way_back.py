"""From a dry run, a fault of it or a comparison one comes back to the list as it was left."""

from __future__ import annotations

from html import unescape
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from notifications.models import Bulk
from notifications.way_back import way_back
from tests import factories
from tests.notifications import people

pytestmark = pytest.mark.django_db

LISTS = [
    ("/pushes/?q=state%3Aexpired&span=7d&rows=25", "push", "/pushes/resend/"),
    ("/failures/?tab=deliveries&span=7d", "push", "/pushes/resend/"),
    ("/devices/?q=alice&sort=aor", "device", "/devices/many/"),
]


@pytest.fixture
def ids() -> dict[str, str]:
    """Of a device and of a push to it that expired."""
    device = factories.registered_device("sip:alice@example.org")
    push = factories.accepted_push(device, timezone.now(), state="expired")
    return {"push": str(push.pk), "device": str(device.pk)}


def links(text: str, path: str) -> int:
    return unescape(text).count(f'href="{path}"')


@pytest.mark.parametrize(("path", "name", "dry_run"), LISTS)
def test_ticked_rows_lead_back_to_the_list_they_were_ticked_on(
    ids, path, name, dry_run
):
    browser = people.browser_of("admin")
    form = browser.get(path).content.decode()
    assert f'name="list" value="{path}"' in unescape(form)
    asked = urlencode({name: ids[name], "list": path, "kind": "test"})
    page = browser.get(f"{dry_run}?{asked}").content.decode()
    assert links(page, path)
    wrong = {"asked": asked, "kind": "test", "rate": "10", "typed": "99"}
    answer = browser.post(f"{dry_run}start/", wrong)
    assert answer.status_code == 422
    assert links(answer.content.decode(), path)
    assert not Bulk.objects.exists()


@pytest.mark.parametrize(("path", "name", "dry_run"), LISTS)
def test_all_that_match_lead_back_to_the_same_list(ids, path, name, dry_run):
    browser = people.browser_of("admin")
    page = unescape(browser.get(path).content.decode())
    all_of_them = page.partition(f'href="{dry_run}?all=1&')[2].partition('"')[0]
    found = browser.get(f"{dry_run}?all=1&{all_of_them}").content.decode()
    assert ">1 chosen.<" in found
    assert links(found, path)


def test_a_comparison_leads_back_too(ids):
    asked = urlencode({"push": ids["push"], "list": "/pushes/?span=30d"})
    page = people.browser_of("ops").get(f"/pushes/compare/?{asked}").content.decode()
    assert links(page, "/pushes/?span=30d") == 1


@pytest.mark.parametrize(
    "named",
    ["", "//evil.example/pushes/", "https://evil.example/", "/logout/", "/pushes"],
)
def test_an_address_of_no_list_is_never_followed(named):
    assert way_back({"list": named}, "pushes", "q=x") == ("/pushes/?q=x", "Pushes")
    assert way_back({"list": named}, "devices", "") == ("/devices/", "Devices")
