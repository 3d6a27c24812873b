"""What is refused in a form of a page is said beside its field, on that page, once."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from notifications.models import Push, SavedView
from tests import factories
from tests.notifications import people

pytestmark = pytest.mark.django_db
SHORT = "Type a reason of at least 5 characters."


def sent(path: str, values: dict, group: str = "admin") -> tuple[str, str]:
    """Where a refused form leads, and the page there."""
    browser = people.browser_of(group)
    answer = browser.post(path, values)
    assert answer.status_code == 302
    address = answer["Location"].partition("#")[0]
    page = browser.get(address).content.decode()
    assert 'aria-invalid="true"' not in browser.get(address).content.decode()
    return answer["Location"], page


def field(page: str, ident: str) -> str:
    """A field of the page with what it is described by."""
    found = re.search(rf'<(?:input|select)[^>]* id="{ident}"[^>]*>', page)
    assert f'aria-describedby="{ident}-faults"' in found[0]
    said = re.search(rf'id="{ident}-faults"[^>]*>(.*?)</p>', page)
    return f"{found[0]} {said[1].strip()}"


@pytest.mark.parametrize("name", ["reveal", "reset-strikes"])
def test_a_short_reason_stays_and_is_said_beside_its_field(name):
    device = factories.registered_device()
    path = reverse(f"notifications:{name}", args=[device.pk])
    address, page = sent(path, {"reason": "abc"})
    kind = name.partition("-")[0]
    assert address == f"/devices/{device.pk}/#{kind}"
    said = field(page, f"{kind}-reason")
    assert SHORT in said and 'value="abc"' in said
    assert f'id="{kind}" open' in page


@pytest.mark.parametrize(
    ("push_type", "ident"), [("voip", "resend-reason"), ("alert", "alert-reason")]
)
def test_a_resend_that_is_not_safe_wants_its_reason_beside_the_field(push_type, ident):
    push = people.old_push(people.reachable_device())
    factories.accepted_push(push.device, timezone.now(), push_type=push_type)
    Push.objects.exclude(pk=push.pk).update(origin="test")
    path = reverse("notifications:resend", args=[push.pk])
    address, page = sent(path, {"push_type": push_type, "reason": "x"}, "support")
    form = "resend_again" if push_type == "voip" else "resend_alert"
    assert address == f"/pushes/{push.pk}/#{form}"
    assert "This is not safe" in field(page, ident)
    assert Push.objects.count() == 2


def test_a_view_without_a_name_keeps_the_list_and_what_was_typed():
    values = {"page": "pushes", "name": "x" * 61, "address": "q=alice", "is_shared": 1}
    address, page = sent("/views/", values)
    assert address == "/pushes/?q=alice#add_view"
    assert "A view wants a name of at most 60" in field(page, "view-name")
    assert "x" * 61 in page and 'name="is_shared" checked' in page


def test_a_name_that_is_taken_is_said_beside_the_view_that_is_renamed():
    browser = people.browser_of("ops")
    for name in ("One", "Two"):
        browser.post("/views/", {"page": "devices", "name": name, "address": "q=x"})
    two = SavedView.objects.get(name="Two")
    answer = browser.post(f"/views/{two.pk}/rename/", {"name": "One"})
    assert answer["Location"] == "/devices/?q=x#rename_view"
    page = browser.get("/devices/?q=x").content.decode()
    assert page.count("There is a view One already.") == 1
    row = page.partition(f"/views/{two.pk}/rename/")[2].partition("</form>")[0]
    assert "There is a view One already." in row and 'value="One"' in row


def test_what_was_refused_on_one_page_is_not_said_on_another():
    device, other = factories.registered_device(), factories.registered_device()
    browser = people.browser_of("admin")
    browser.post(reverse("notifications:reveal", args=[device.pk]), {})
    assert SHORT not in browser.get(f"/devices/{other.pk}/").content.decode()
    assert SHORT in browser.get(f"/devices/{device.pk}/").content.decode()
