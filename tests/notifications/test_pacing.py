"""Limits of device, app and credential, kept by every worker's claims."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from notifications import delivery
from notifications.backlog import lanes, why_waiting
from notifications.models import App, Credential, Push
from tests.factories import (
    accepted_push,
    app,
    feed,
    registered_device,
    sandbox_credential,
)
from tests.notifications import people

NOW = timezone.now()


def queued(count: int, push_type: str = "alert", device=None) -> list[Push]:
    """So many waiting pushes, to one device or to as many."""
    pushes = [
        accepted_push(
            device or registered_device(), NOW, push_type=push_type, state="queued"
        )
        for _ in range(count)
    ]
    Push.objects.filter(state="queued").update(
        ended_at=None, expires_at=NOW + timedelta(hours=1)
    )
    return pushes


@pytest.fixture
def credential(db):
    return sandbox_credential()


@pytest.mark.parametrize("push_type", ["voip", "alert"])
def test_pushes_beyond_a_devices_limit_wait_for_its_minute(credential, push_type):
    App.objects.update(device_limit=5)
    device = registered_device()
    queued(8, push_type, device)
    lane = delivery.VOIP if push_type == "voip" else delivery.BULK
    # Two workers: what the first holds counts for the second.
    assert len(delivery.claim(lane, 1, NOW)) == 5
    assert delivery.claim(lane, 2, NOW) == []
    waiting = Push.objects.filter(state="queued")
    assert {push.due_at for push in waiting} == {NOW + timedelta(minutes=1)}
    assert "5 pushes a minute" in why_waiting(waiting[0], NOW)
    held = Push.objects.filter(state="sending")
    held.update(state="accepted", sent_at=NOW, accepted_at=NOW)
    assert len(delivery.claim(lane, 2, NOW + timedelta(seconds=61))) == 3


def test_another_device_does_not_wait(credential):
    App.objects.update(device_limit=1)
    device = registered_device()
    queued(3, device=device)
    (other,) = queued(1)
    claimed = delivery.claim(delivery.BULK, 1, NOW)
    assert len(claimed) == 2
    assert other in claimed


def test_a_call_past_the_limit_of_its_device_expires_and_never_leaves(credential):
    App.objects.update(device_limit=1)
    first, second = queued(2, "voip", registered_device())
    Push.objects.update(expires_at=NOW + timedelta(seconds=30))
    delivery.claim(delivery.VOIP, 1, NOW)
    later = NOW + timedelta(seconds=31)
    assert delivery.claim(delivery.VOIP, 1, later) == []


@pytest.mark.parametrize("owner", [App, Credential])
def test_an_apps_and_a_credentials_pushes_a_second_are_kept(credential, owner):
    owner.objects.update(push_limit=10)
    queued(30)
    assert len(delivery.claim(delivery.BULK, 1, NOW)) == 10
    assert delivery.claim(delivery.BULK, 2, NOW) == []
    half = NOW + timedelta(seconds=0.5)
    assert len(delivery.claim(delivery.BULK, 2, half)) == 5
    (push, *_) = Push.objects.filter(state="queued")
    assert "pushes a second" in why_waiting(push, half)


def test_calls_never_wait_for_a_bulk_but_count(credential):
    App.objects.update(push_limit=5)
    queued(20)
    queued(8, "voip")
    assert len(delivery.claim(delivery.BULK, 1, NOW)) == 5
    assert len(delivery.claim(delivery.VOIP, 1, NOW)) == 8
    assert delivery.claim(delivery.BULK, 1, NOW + timedelta(seconds=1)) == []


def test_a_full_app_does_not_hold_up_another(credential):
    App.objects.update(push_limit=1)
    queued(3)
    other = registered_device(bundle_id="org.example.other")
    push = accepted_push(other, NOW, push_type="alert", state="queued")
    Push.objects.update(ended_at=None, expires_at=NOW + timedelta(hours=1))
    first = delivery.claim(delivery.BULK, 1, NOW)
    assert push in [*first, *delivery.claim(delivery.BULK, 1, NOW)]


@pytest.mark.django_db(transaction=True)
def test_workers_that_claim_at_the_same_moment_share_one_limit():
    sandbox_credential()
    App.objects.update(push_limit=10)
    queued(40)
    claimed: list[Push] = []

    def work(number: int) -> None:
        try:
            claimed.extend(delivery.claim(delivery.BULK, number, NOW))
        finally:
            connection.close()

    workers = [threading.Thread(target=work, args=[number]) for number in range(2, 6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(claimed) == 10


def test_depth_and_age_of_each_queue_are_told(credential, client):
    queued(2, "voip")
    queued(3)
    now = NOW + timedelta(seconds=7)
    Push.objects.filter(push_type="alert").update(due_at=now + timedelta(seconds=60))
    voip, other = lanes(now)
    assert (voip.waiting, voip.later, voip.oldest, voip.is_late) == (2, 0, 7.0, True)
    assert (other.waiting, other.later, other.oldest, other.is_late) == (
        0,
        3,
        None,
        False,
    )
    told = client.get("/readyz").json()["queues"]
    assert told["voip"]["waiting"] == 2
    feed(seen_until=NOW)
    Push.objects.filter(push_type="voip").update(due_at=NOW - timedelta(seconds=10))
    page = people.browser_of("ops").get(reverse("notifications:live"))
    assert "2 VoIP pushes cannot leave" in page.content.decode()


def test_the_page_of_a_push_says_what_it_waits_for(credential):
    (push,) = queued(1)
    path = reverse("notifications:push", args=[push.pk])
    browser = people.browser_of("ops")
    assert "its turn" in browser.get(path).content.decode()
    Credential.objects.update(
        paused_until=NOW + timedelta(hours=1), pause_reason="InvalidProviderToken"
    )
    said = browser.get(path).content.decode()
    assert "the credential pauses until" in said
    assert "InvalidProviderToken" in said
    Credential.objects.all().delete()
    assert "has no credential" in browser.get(path).content.decode()


def test_settings_tell_the_limits_and_who_waits_for_them(credential):
    App.objects.update(device_limit=1)
    queued(3, device=registered_device())
    delivery.claim(delivery.BULK, 1, NOW)
    page = people.browser_of("ops").get(reverse("notifications:settings"))
    said = " ".join(page.content.decode().split())
    assert "1 pushes a minute</b> to one device" in said
    assert "2 pushes wait</b>, 2 of them for the limit of their device" in said


def test_a_limit_is_set_on_the_page(credential):
    found = app()
    values = {
        "name": "Phone",
        "bundle_id": found.bundle_id,
        "threshold": 3,
        "wake_window": 30,
        "grace": 5,
        "late_window": 90,
        "reach_window": 900,
        "foreground_window": 60,
        "release_after": 3600,
        "voip_life": 30,
        "device_limit": 7,
        "push_limit": 100,
    }
    path = reverse("notifications:change-app", args=[found.pk])
    people.browser_of("admin").post(path, values)
    found.refresh_from_db()
    assert (found.device_limit, found.push_limit) == (7, 100)
