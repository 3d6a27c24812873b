"""Every page at desk and phone width, light and dark: no complaint, nothing sticks out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from notifications.models import Attempt, AuditEntry, Ledger, Push
from tests import factories
from tests.notifications.people import credential_of
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)

ALL = (
    "see",
    "resend",
    "reset_strikes",
    "manage_credentials",
    "change_policy",
    "manage_users",
    "export",
    "reveal",
)
WIDTHS = {"desk": 1440, "phone": 390}


def troubled_device() -> Push:
    """A phone with two strikes, a rejected push, a problem and a long Contact."""
    now = timezone.now()
    credential_of(factories.app())
    factories.feed(seen_until=now, path="/var/log/flexisip/flexisip-proxy.log")
    device = factories.registered_device("sip:bartholomew.longname@voice.example.org")
    device.contact += (
        ";pn-provider=apns.dev;pn-prid=" + "ab" * 32 + ":voip;x=" + "y" * 90
    )
    device.user_agent = (
        "Linphone-iOS/5.2.3 (iPhone 15 Pro) LinphoneSDK/5.3.74 (release)"
    )
    device.problems = [{"rule": "no-remote-token", "detail": "pn-prid has none"}]
    device.save()
    pushes = [
        factories.accepted_push(device, now - timedelta(minutes=number))
        for number in (30, 20)
    ]
    rejected = factories.accepted_push(
        device, now - timedelta(minutes=5), push_type="alert", state="rejected"
    )
    Push.objects.filter(pk=rejected.pk).update(reason="BadDeviceToken")
    Attempt.objects.create(
        push=rejected,
        number=1,
        started_at=now,
        ended_at=now,
        outcome="rejected",
        status=400,
        reason="BadDeviceToken",
        apns_id=str(rejected.pk),
        latency_ms=12.5,
    )
    Ledger.objects.create(
        token=factories.token_of(device),
        state="not_waking",
        strikes=2,
        since=now,
        last_sign_at=now,
    )
    AuditEntry.objects.create(
        at=now, actor_name="anna", action="push.test", subject=device.aor
    )
    return pushes[0]


def paths(push: Push) -> list[str]:
    """The addresses of all pages that show something."""
    return [
        "/",
        "/devices/",
        f"/devices/{push.device_id}/",
        "/pushes/",
        f"/pushes/{push.pk}/",
        "/failures/",
        "/settings/",
    ]


def sideways(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    return page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_no_page_sticks_out_or_breaks_the_policy(open_as, width, theme):
    push = troubled_device()
    page = open_as(person("olga", *ALL), "/")
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({"width": width, "height": 900})
    too_wide = {}
    for path in paths(push):
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        if sideways(page) > 0:
            too_wide[path] = sideways(page)
    assert too_wide == {}


def test_a_person_may_only_see_what_the_rights_allow_to_do(open_as):
    push = troubled_device()
    page = open_as(person("olga", "see"), f"/devices/{push.device_id}/")
    for name in ("Send remote test push", "Reset strikes", "Reveal, logged"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)


def test_a_risky_resend_asks_for_a_typed_reason(open_as):
    push = troubled_device()
    page = open_as(person("olga", *ALL), f"/pushes/{push.pk}/")
    expect(page.locator("#resend")).to_contain_text("Would be strike 3 of 3")
    page.get_by_role("button", name="Resend VoIP push anyway").click()
    expect(page).to_have_url(f"{page.url.partition('/pushes')[0]}/pushes/{push.pk}/")
    page.get_by_label("Reason, kept in the activity log").fill("asked by the caller")
    page.get_by_role("button", name="Resend VoIP push anyway").click()
    expect(page.locator("#main")).to_contain_text("resend of")
    assert Push.objects.filter(resend_of=push).count() == 1
