"""How fast pushes may leave, as plain decisions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from notifications.limits import Level, Sent, free_at, refilled, room

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("level", "left"),
    [
        (Level(0, NOW), 0),
        (Level(0, NOW - timedelta(seconds=0.5)), 5),
        (Level(9, NOW - timedelta(hours=1)), 10),
        (Level(-30, NOW - timedelta(seconds=1)), 0),
        (Level(3, NOW + timedelta(seconds=60)), 3),  # another host's clock
    ],
)
def test_a_bucket_gains_its_rate_and_holds_one_second(level, left):
    assert room(refilled(level, 10, NOW)) == left


@pytest.mark.parametrize(
    ("sent", "limit", "seconds"),
    [
        (Sent(59, NOW), 60, None),
        (Sent(60, NOW - timedelta(seconds=20)), 60, 40),
        (Sent(60, None), 60, 60),
        (Sent(1000, NOW), 0, None),
    ],
)
def test_a_device_is_free_when_the_first_of_its_minute_is_a_minute_old(
    sent, limit, seconds
):
    until = free_at(sent, limit, NOW)
    assert (until and (until - NOW).total_seconds()) == seconds
