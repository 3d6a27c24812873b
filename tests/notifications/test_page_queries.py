"""No page asks the database more than 12 questions, whatever tab, filter, order or view."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.groups import GROUPS
from notifications.handling import settle
from notifications.models import App, Call, Push, Refusal, SavedView
from tests import factories
from tests.browser import house
from tests.notifications import people
from tests.notifications.test_views_rights import TABLE

pytestmark = pytest.mark.django_db

MOST = 12
#: What-if replays the past on request: its facts are asked for once, however many calls.
REPLAY, MOST_OF_REPLAY = "what-if/?threshold", 18
#: Addresses of what is no page: they redirect, or are files.
FILES = {"search", "case-json", "export", "bulk-left-out", "bulk-results"}
FILES |= {"devices-left-out"}


@pytest.fixture
def push() -> Push:
    """A furnished house with several rows of everything that a page repeats."""
    found = house.furnished()
    now = timezone.now()
    App.objects.update(protect=True)
    for number in range(12):
        device = factories.registered_device(f"sip:person{number}@example.org")
        for push_type in ("voip", "alert"):
            moment = now - timedelta(minutes=number + 3)
            factories.accepted_push(device, moment, push_type=push_type)
    for number in range(3):
        Refusal.objects.create(
            door="api",
            status=422,
            why="type: must be voip, alert or background",
            address="192.0.2.9",
            asked={"type": "call"},
            fingerprint=str(number),
            first_at=now,
            at=now,
        )
        SavedView.objects.create(
            page="devices",
            name=f"view {number}",
            owner=people.person("admin"),
            is_shared=True,
            default_for=Group.objects.order_by("pk")[number],
            address="q=state%3Asuspected",
            created_at=now,
        )
    held = factories.accepted_push(found.device, now - timedelta(seconds=50))
    settle(now)
    Call.objects.filter(pushes=held).update(
        verdict="awaited",
        evidence=None,
        held_by=[{"feed": "proxy", "behind_seconds": 50, "why": "behind"}],
    )
    waiting = factories.accepted_push(found.device, now, push_type="alert")
    Push.objects.filter(pk=waiting.pk).update(state="queued", accepted_at=None)
    return found


def addresses(push: Push) -> list[str]:
    """Every page with every tab, and filters, orders and views beside them."""
    device = push.device_id
    return [
        *house.paths(push),
        "/?span=6h",
        "/?span=24h",
        "/pushes/?from=2026-01-01T00:00Z",
        "/failures/?from=2026-01-01T00:00Z",
        "/devices/?q=",
        *(f"/devices/?q=&sort={sort}&rows=200" for sort in ("oldest", "aor_down")),
        "/devices/?q=state:not_waking+strikes:>=1+seen:<24h+app:org.linphone.phone",
        "/devices/?q=token:invalid+-env:sandbox+version:5.2+ios:17+phone:iPhone",
        "/devices/?q=problem:any+bound:yes",
        f"/devices/{device}/?span=7d&events=pushes",
        f"/devices/{device}/?span=24h&events=registrations",
        "/pushes/?span=all&sort=oldest&rows=25",
        "/pushes/?outcome=asleep&type=voip&app=org.linphone.phone&origin=command",
        "/pushes/?q=strikes:>=1+at:<1h+alice+-reason:BadDeviceToken",
        "/pushes/?q=version:5.2+ios:17+phone:iPhone+alice+token:invalid",
        f"/pushes/?q={'+'.join(str(uuid.uuid4()) for _ in range(3))}&span=all",
        f"/pushes/?q={'+'.join(str(uuid.uuid4()) for _ in range(6))}+strikes:>=1",
        f"/devices/?q={'+'.join(f'person{number}' for number in range(6))}",
        *(f"/pushes/{push.pk}/" for push in Push.objects.all()[:12]),
        f"/pushes/{rejected().pk}/",
        f"/pushes/{rejected().pk}/case",
        "/fleet/?span=30d",
        "/failures/?span=7d",
        "/failures/?span=30d&tab=deliveries&q=type:alert",
        "/failures/?tab=refused",
        "/failures/?tab=activity&q=who:anna+action:push+ticket+-object:bob",
        "/failures/?tab=refused&q=door:api+status:422+why:type&sort=most",
        "/audit/?span=all&q=who:anna+action:push+ticket+-object:bob",
        "/malformed/?q=rule:token_count+app:Linphone+version:5+feed:proxy+seen:<1h",
        f"/settings/apps/{App.objects.get().pk}/payloads/",
        f"/settings/apps/{App.objects.get().pk}/what-if/",
        "/pushes/resend/?all=1&outcome=asleep&kind=alert",
    ]


def rejected() -> Push:
    return Push.objects.filter(state="rejected")[0]


def test_the_list_holds_every_page_of_the_table(push):
    here = " ".join(addresses(push))
    pages = {name for name, (method, _, _) in TABLE.items() if method == "get"} - FILES
    parts = {
        "live": "/ ",
        "device": f"/devices/{push.device_id}/",
        "push": f"/pushes/{push.pk}/",
        "case": "/case",
        "bulk-dry-run": "/pushes/resend/",
        "devices-dry-run": "/devices/many/",
        "bulk": f"/bulks/{uuid.UUID(int=1)}/",
        "compare": "/pushes/compare/",
        "what-if": "/what-if/",
        "payloads": "/payloads/",
    }
    missing = [name for name in pages if parts.get(name, f"/{name}/") not in here]
    assert missing == []


@pytest.mark.parametrize("group", GROUPS)
def test_no_page_asks_more_than_twelve_questions(push, group):
    assert Call.objects.filter(verdict="unhandled").exists()
    browser = people.browser_of(group)
    asked = {}
    for address in addresses(push):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            answer = browser.get(address)
        assert answer.status_code in {200, 302, 403, 404}, address
        asked[address] = len(queries)
    most = {each: MOST_OF_REPLAY if REPLAY in each else MOST for each in asked}
    assert {each: n for each, n in asked.items() if n > most[each]} == {}
