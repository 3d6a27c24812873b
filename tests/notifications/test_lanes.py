"""The swim lanes: where things stand in the span, and what is written beside them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from notifications.device_history import history_of
from notifications.handling import settle
from notifications.lanes import SPANS, lanes, span_of
from registrations import partitions
from registrations.models import DeviceEvent, LogFile, Registration
from tests import factories
from tests.factories import MORNING

pytestmark = pytest.mark.django_db
NOW = MORNING + timedelta(hours=2)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


@pytest.fixture
def feed():
    return factories.feed(seen_until=NOW)


@pytest.fixture
def device(feed):
    return factories.registered_device()


def registered(device, feed, moment, *, expires=3600, kind="refreshed") -> None:
    """A REGISTER of the device in the history."""
    file, _ = LogFile.objects.get_or_create(
        feed=feed, path="/var/log/proxy.log", defaults={"opened_at": MORNING}
    )
    partitions.ensure([moment.date()])
    Registration.objects.create(
        day=moment.date(),
        moment=moment,
        feed=feed,
        file=file,
        position=1,
        device=device,
        kind=kind,
        expires=expires,
    )


def drawn(device, span: str = "6h"):
    return lanes(history_of(device, NOW - SPANS[span], None, NOW), span, NOW)


def test_a_binding_lasts_until_it_expires(device, feed):
    registered(device, feed, NOW - timedelta(hours=3))
    (bar,) = drawn(device).bindings
    assert bar.x == 50.0
    assert bar.width == pytest.approx(100 / 6, abs=0.02)


def test_refreshes_in_time_are_one_binding_and_a_gap_makes_two(device, feed):
    for hours in (5, 4.5, 4, 1):
        registered(device, feed, NOW - timedelta(hours=hours))
    found = drawn(device)
    assert len(found.registers) == 4
    assert len(found.bindings) == 2


def test_a_de_registration_ends_the_binding(device, feed):
    registered(device, feed, NOW - minutes(60))
    registered(device, feed, NOW - minutes(30), kind="unregistered", expires=0)
    (bar,) = drawn(device).bindings
    assert bar.x + bar.width == pytest.approx(100 - 100 / 12, abs=0.05)


def test_a_strike_is_labelled_and_the_run_is_tinted_until_now(device):
    push = factories.accepted_push(device, NOW - minutes(90))
    settle(NOW)
    found = drawn(device)
    (mark,) = found.voip
    assert (mark.tone, mark.label) == ("hot", "Strike 1")
    assert mark.link == f"/pushes/{push.pk}/"
    start, width = found.run
    assert start == pytest.approx(mark.x, abs=0.1)
    assert start + width == 100


def test_labels_that_would_overlap_are_left_out(device):
    for number in (40, 38):
        factories.accepted_push(device, NOW - minutes(number))
    settle(NOW)
    first, second = drawn(device).voip
    assert (first.label, second.label) == ("", "Strike 2")


def test_a_remote_push_followed_by_a_register_is_answered(device, feed):
    at = NOW - minutes(10)
    factories.accepted_push(device, at, push_type="alert")
    registered(device, feed, at + timedelta(seconds=2))
    (mark,) = drawn(device).remote
    assert mark.tone == "ok"
    assert "answered by a REGISTER 1.9 s later" in mark.title


def test_a_remote_push_nobody_answers_expects_no_reply(device):
    factories.accepted_push(device, NOW - minutes(10), push_type="alert")
    assert drawn(device).remote[0].tone == "mute"


def test_turning_points_stand_across_all_lanes(device, feed):
    DeviceEvent.objects.create(
        device=device,
        kind="reinstalled",
        moment=NOW - minutes(180),
        feed=feed,
        position=1,
    )
    (mark,) = drawn(device).turns
    assert (mark.x, mark.title) == (50.0, "Reinstalled 08:00")


def test_what_lies_before_the_span_is_not_drawn(device, feed):
    registered(device, feed, NOW - timedelta(hours=20))
    factories.accepted_push(device, NOW - timedelta(hours=20))
    assert drawn(device).voip == drawn(device).registers == []
    assert len(drawn(device, "24h").voip) == len(drawn(device, "24h").registers) == 1


def test_a_span_nobody_knows_is_the_shortest():
    assert span_of("nonsense") == "6h"
