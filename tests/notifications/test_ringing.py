"""Calls told by alert: repeated as the Contact asks, ended as the call ended."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from notifications.gateway_keys import give_key
from notifications.models import Push, Ringing
from notifications.outbox import PushRequest, enqueue
from notifications.ringing import ring
from tests.factories import (
    BUNDLE_ID,
    registered_device,
    sandbox_credential,
    sighting,
    token_of,
)

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def after(seconds: float):
    return NOW + timedelta(seconds=seconds)


@pytest.fixture
def phone():
    sandbox_credential()
    device = registered_device()
    device.contact += ";pn-call-remote-push-interval=10"
    device.save()
    return device


def call(device, kind: str = "call_alert", **said) -> Push:
    request = PushRequest(
        device=device,
        push_type="alert",
        origin="gateway",
        kind=kind,
        call_id="c1",
        display_name="Ann",
        **said,
    )
    return enqueue([request], NOW)[0]


def texts() -> list[str]:
    pushes = Push.objects.order_by("created_at")
    return [push.payload["aps"]["alert"]["loc-key"] for push in pushes]


def test_a_call_is_told_each_interval_and_at_last_as_missed(phone):
    call(phone)
    assert ring(after(9)) == []
    for seconds in range(10, 100, 10):
        assert len(ring(after(seconds))) == 1
    assert ring(after(200)) == []
    assert texts() == ["IC_MSG"] * 9 + ["Missing call"]
    assert Ringing.objects.get().ended == "missed"
    assert set(Push.objects.values_list("collapse_id", flat=True)) == {"c1"}
    first, last = (
        Push.objects.order_by("created_at")[0],
        Push.objects.latest("created_at"),
    )
    assert first.expires_at == after(90)
    assert last.expires_at > after(3600)
    assert last.payload["display-name"] == "Ann"


@pytest.mark.parametrize(
    ("code", "text"), [(200, "Accepted elsewhere"), (603, "Declined elsewhere")]
)
def test_a_call_that_ended_elsewhere_says_so_once(phone, code, text):
    call(phone)
    other = registered_device(phone.aor)
    sighting(other, after(4), "answer", call_id="c1", code=code)
    ring(after(10))
    ring(after(20))
    assert texts() == ["IC_MSG", text]


def test_a_phone_that_answered_itself_is_told_nothing_more(phone):
    call(phone)
    sighting(phone, after(4), "answer", call_id="c1", code=200)
    assert ring(after(10)) == []
    assert Ringing.objects.get().ended == "answered"


def test_a_phone_that_only_rings_and_a_busy_one_elsewhere_end_nothing(phone):
    call(phone)
    sighting(phone, after(4), "answer", call_id="c1", code=180)
    sighting(registered_device(phone.aor), after(4), "answer", call_id="c1", code=486)
    assert len(ring(after(10))) == 1
    assert not Ringing.objects.get().ended


def test_without_an_interval_and_for_messages_there_is_one_alert(phone):
    call(phone, kind="message")
    call(registered_device())
    assert not Ringing.objects.exists()


def test_a_late_worker_catches_up_with_one_alert_not_with_all(phone):
    call(phone)
    assert len(ring(after(45))) == 1
    assert ring(after(46)) == []


def test_flexisips_repeats_of_a_call_by_alert_are_one_ringing(phone, client):
    secret = give_key("flexisip", [], NOW)
    for _ in range(3):
        values = {
            "app-id": f"{BUNDLE_ID}.dev",
            "token": token_of(phone, "remote").token,
            "call-id": "c1",
            "event": "call",
            "sound": "ring.caf",
            "msgid": "IC_MSG",
        }
        client.post(f"/gateway/{secret}/push/apple", query_params=values)
    push = Push.objects.get()
    assert (push.kind, push.repeats, push.collapse_id) == ("call_alert", 2, "c1")
    assert push.payload["aps"]["sound"] == "ring.caf"
    assert Ringing.objects.count() == 1


def test_a_fourth_wake_up_within_an_hour_waits_for_its_turn(phone):
    def wake(seconds: float) -> Push:
        request = PushRequest(device=phone, push_type="background", origin="api")
        return enqueue([request], after(seconds))[0]

    pushes = [wake(seconds) for seconds in (0, 60, 120, 180, 240)]
    due = [(push.due_at - NOW).total_seconds() for push in pushes]
    assert due == [0, 60, 120, 3600, 3660]
    assert "3 background pushes an hour" in pushes[3].reason
    assert pushes[3].expires_at > pushes[3].due_at
    other = PushRequest(
        device=registered_device(), push_type="background", origin="api"
    )
    assert enqueue([other], after(180))[0].due_at == after(180)


def test_wake_ups_asked_for_at_once_are_counted_too(phone):
    request = PushRequest(device=phone, push_type="background", origin="api")
    due = [push.due_at - NOW for push in enqueue([request] * 5, NOW)]
    hour = timedelta(hours=1)
    assert due == [timedelta(0)] * 3 + [hour, hour]
