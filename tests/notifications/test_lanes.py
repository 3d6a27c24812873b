"""The swim lanes: where things stand in the span, and what is written beside them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from notifications import device_history
from notifications.device_history import history_of
from notifications.handling import settle
from notifications.lane_spans import stretch_of
from notifications.lanes import lanes
from registrations import partitions
from registrations.models import DeviceEvent, LogFile, Registration
from tests import factories
from tests.factories import MORNING
from tests.notifications import people

pytestmark = pytest.mark.django_db
NOW = MORNING + timedelta(hours=2)
HOUR = timedelta(hours=1)


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


def drawn(device, span: str = "6h", **asked):
    stretch = stretch_of({"span": span, **asked}, NOW)
    return lanes(history_of(device, stretch, None, NOW), stretch)


def part(since: timedelta, until: timedelta) -> dict[str, str]:
    """An address from so long ago to so long ago."""
    return {"from": (NOW - since).isoformat(), "to": (NOW - until).isoformat()}


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


@pytest.mark.parametrize(
    "asked",
    [
        {"span": "nonsense"},
        {"from": "nonsense"},
        {"from": "2026-11-24T10:00Z", "to": "2026-11-24T09:00Z"},
        part(minutes(5), minutes(4.9)),
        {"from": "2199-01-01T00:00Z"},
    ],
)
def test_a_span_nobody_knows_is_the_shortest(asked):
    stretch = stretch_of(asked, NOW)
    assert (stretch.span, stretch.until - stretch.since) == ("6h", 6 * HOUR)


def test_a_part_is_drawn_alone_and_says_from_when_to_when(device, feed):
    for ago in (180, 100, 61, 20):
        registered(device, feed, NOW - minutes(ago), expires=60)
        factories.accepted_push(device, NOW - minutes(ago))
    zoomed = drawn(device, **part(minutes(120), minutes(60)))
    assert [mark.x for mark in zoomed.registers] == [33.33, 98.33]
    assert [mark.x for mark in zoomed.voip] == [33.33, 98.33]
    assert zoomed.stretch.words == "09:00:00 to 10:00:00"
    assert zoomed.summary.startswith("09:00:00 to 10:00:00: 2 REGISTERs")
    assert [words for _, words in zoomed.ticks][:2] == ["09:05", "09:10"]


def test_a_part_of_long_ago_is_drawn_though_many_pushes_came_after(device, monkeypatch):
    monkeypatch.setattr(device_history, "MARKS", 2)
    monkeypatch.setattr(device_history, "ROWS", 1)
    for ago in (100, 10, 9, 8, 7):
        factories.accepted_push(device, NOW - minutes(ago))
    assert len(drawn(device, **part(minutes(120), minutes(60))).voip) == 1


def test_no_part_is_longer_than_the_longest_span():
    stretch = stretch_of({"from": "2026-01-01T00:00Z"}, NOW)
    assert stretch.until - stretch.since == 7 * 24 * HOUR


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (minutes(0.5), "10:59:35"),
        (minutes(10), "10:51"),
        (6 * HOUR, "05:30"),
        (24 * HOUR, "12:00"),
        (7 * 24 * HOUR, "18 Nov"),
    ],
)
def test_the_ticks_stand_at_round_moments(length, words):
    ticks = stretch_of(part(length, minutes(0)), NOW).ticks
    assert ticks[0][1] == words
    assert len(ticks) <= 13


def test_one_register_is_not_several(device, feed):
    registered(device, feed, NOW - minutes(5))
    shown = drawn(device)
    assert shown.counts["registrations"] == "1 REGISTER"
    assert "1 REGISTER, 0 VoIP pushes" in shown.summary


def test_every_push_of_the_lanes_leads_to_its_page(device):
    now = timezone.now()
    pushes = [
        factories.accepted_push(device, now - minutes(9)),
        factories.accepted_push(device, now - minutes(7), push_type="alert"),
    ]
    page = people.browser_of("ops").get(f"/devices/{device.pk}/?events=pushes")
    lanes_alone = page.content.decode().partition('id="device-timeline"')[0]
    for push in pushes:
        assert f'<a href="/pushes/{push.pk}/" aria-label=' in lanes_alone
    assert "?span=24h&amp;events=pushes#device-lanes" in lanes_alone
