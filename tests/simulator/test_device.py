"""What becomes of a push after APNs' 200: checklist 47 to 52."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest

from simulator import device
from simulator.device import Devices
from simulator.directory import Delivery
from simulator.phone import IosRule

TOKEN, NOW = "aa" * 32, 1_790_000_000.0
_numbers = itertools.count()


@pytest.fixture
def devices() -> Devices:
    return Devices(IosRule(threshold=3))


def send(devices: Devices, kind: str = "alert", *, at: float = NOW, **changes) -> str:
    """Deliver one push; its apns-id."""
    apns_id = f"push-{next(_numbers)}"
    values = {
        "token": TOKEN,
        "topic": "org.example.app" + (".voip" if kind == "voip" else ""),
        "push_type": kind,
        "priority": 5 if kind == "background" else 10,
        "expiration": 0,
        "apns_id": apns_id,
        "payload": {},
        "received_at": at,
    }
    devices.deliver(Delivery(**(values | changes)))
    return apns_id


def test_47_an_offline_device_loses_what_is_not_to_be_stored(devices):
    devices.change(TOKEN, NOW, is_online=False)
    assert devices.events(send(devices)) == [device.OFFLINE]


def test_47_only_the_newest_push_of_a_bundle_is_stored_and_delivered_on_return(devices):
    devices.change(TOKEN, NOW, is_online=False)
    first = send(devices, expiration=int(NOW) + 600)
    other = send(devices, expiration=int(NOW) + 600, topic="org.example.other")
    newest = send(devices, expiration=int(NOW) + 600)
    devices.change(TOKEN, NOW + 60, is_online=True)
    assert devices.events(first) == [device.STORED_OFFLINE, device.REPLACED]
    assert devices.events(newest) == [device.STORED_OFFLINE, device.FROM_STORAGE]
    assert devices.events(other) == [device.STORED_OFFLINE, device.FROM_STORAGE]


def test_47_a_stored_push_past_its_life_is_discarded_on_return(devices):
    devices.change(TOKEN, NOW, is_online=False)
    stored = send(devices, "voip", expiration=int(NOW) + 30)
    devices.change(TOKEN, NOW + 31, is_online=True)
    assert devices.events(stored) == [device.STORED_OFFLINE, device.EXPIRED]


def test_48_power_saving_stores_what_is_not_urgent(devices):
    devices.change(TOKEN, NOW, saves_power=True)
    urgent, patient = send(devices), send(devices, priority=5)
    assert devices.events(urgent) == [device.DELIVERED]
    assert devices.events(patient) == [device.STORED_POWER]
    devices.change(TOKEN, NOW + 60, saves_power=False)
    assert devices.events(patient) == [device.STORED_POWER, device.FROM_STORAGE]


def test_49_more_than_three_background_pushes_an_hour_are_throttled(devices):
    sent = [send(devices, "background", at=NOW + n) for n in range(4)]
    later = send(devices, "background", at=NOW + 3700)
    first, *_, fourth = (devices.events(one) for one in sent)
    assert first == [device.DELIVERED, device.LAUNCHED]
    assert fourth == [device.THROTTLED]
    assert devices.events(later) == [device.DELIVERED, device.LAUNCHED]


def test_50_with_notifications_off_an_alert_is_discarded_and_a_call_is_not(devices):
    devices.change(TOKEN, NOW, is_muted=True)
    assert devices.events(send(devices)) == [device.DISABLED]
    assert devices.events(send(devices, "voip")) == [device.DELIVERED, device.LAUNCHED]


def test_51_unreported_calls_kill_the_app_and_in_the_end_it_is_launched_no_more(
    devices,
):
    devices.change(TOKEN, NOW, report_ms=7_001)
    calls = [devices.events(send(devices, "voip", at=NOW + n)) for n in range(4)]
    killed = [device.DELIVERED, device.LAUNCHED, device.KILLED]
    assert calls == [killed] * 3 + [[device.DELIVERED, device.WITHHELD]]
    # A reinstall is a new token.
    other = send(devices, "voip", token="bb" * 32)
    assert devices.events(other) == [device.DELIVERED, device.LAUNCHED]


def test_51_a_reported_call_ends_the_run(devices):
    for at, ignores in [(0, 2), (1, 1), (2, 0), (3, 2), (4, 1)]:
        devices.change(TOKEN, NOW + at, ignores=ignores)
        send(devices, "voip", at=NOW + at)
    assert not devices.of(TOKEN).is_blocked


@pytest.mark.parametrize(
    "state", [{"is_foreground": True}, {"in_call": True}, {"must_report": False}]
)
def test_51_who_need_not_report_is_never_killed(devices, state):
    devices.change(TOKEN, NOW, ignores=-1, **state)
    for _ in range(5):
        assert devices.events(send(devices, "voip")) == [
            device.DELIVERED,
            device.LAUNCHED,
        ]
    assert devices.of(TOKEN).failures == 0


def test_51_a_block_can_end_after_a_day():
    devices = Devices(forgives_after=timedelta(hours=24))
    devices.change(TOKEN, NOW, ignores=3)
    for _ in range(3):
        send(devices, "voip")
    assert devices.events(send(devices, "voip"))[-1] == device.WITHHELD
    next_day = send(devices, "voip", at=NOW + 86_400)
    assert devices.events(next_day)[-1] == device.LAUNCHED


def test_52_an_app_that_was_force_quit_gets_calls_and_no_background_push(devices):
    devices.change(TOKEN, NOW, is_force_quit=True)
    assert devices.events(send(devices, "background")) == [
        device.DELIVERED,
        device.FORCE_QUIT,
    ]
    assert devices.events(send(devices, "voip"))[-1] == device.LAUNCHED


def test_a_deleted_app_gets_nothing(devices):
    devices.change(TOKEN, NOW, is_installed=False)
    assert devices.events(send(devices)) == [device.UNINSTALLED]


@pytest.mark.parametrize("state", [{"mood": 1}, {"is_online": "yes"}, {"failures": 0}])
def test_a_state_that_is_none_is_refused(devices, state):
    with pytest.raises(ValueError, match="no device has"):
        devices.change(TOKEN, NOW, **state)
