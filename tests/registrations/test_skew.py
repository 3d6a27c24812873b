"""Measuring a feed's clock from when its records are read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from registrations.skew import FARTHEST_BEHIND, FEWEST, SPAN, Skew

START = datetime(2026, 11, 24, 12, tzinfo=UTC)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def measured(delays, every: timedelta = SPAN) -> timedelta | None:
    """Records read one after another, each that many seconds after its own moment."""
    skew = Skew()
    for number, delay in enumerate(delays):
        read_at = START + number * every
        skew.note(read_at - seconds(delay), read_at)
    return skew.measured()


def test_a_few_records_say_nothing():
    assert measured([]) is None
    assert measured([-5] * (FEWEST - 1)) is None


def test_records_from_the_future_show_a_clock_that_is_ahead():
    assert measured([-20, -19.8, -19.9, -19.7, -19.9]) == seconds(19.9)


def test_records_that_always_come_late_bound_a_clock_that_is_behind():
    assert measured([20.2, 25, 20.1, 31, 20.3]) == seconds(-20.2)


def test_the_quickest_record_of_each_span_counts():
    skew = Skew()
    for number in range(4 * 10):
        read_at = START + seconds(number)
        skew.note(read_at - seconds(0.1 if number % 10 == 3 else 8), read_at)
    assert skew.measured() == seconds(-0.1)


def test_one_impossible_time_stamp_moves_nothing():
    assert measured([0.1] * 6 + [-3600] + [0.1] * 6) == seconds(-0.1)
    assert measured([-3600, 0.1, 0.1, 0.1]) == seconds(-0.1)


def test_a_stall_that_is_caught_up_with_moves_nothing():
    assert measured([0.1] * 20 + [600, 400, 90] + [0.1] * 5) == seconds(-0.1)


def test_a_feed_far_behind_is_late_and_not_wrong():
    assert measured([7200] * 5) == -FARTHEST_BEHIND


def test_a_clock_that_was_set_right_is_forgotten():
    assert measured([-30] * 30) == seconds(30)
    assert measured([-30] * 30 + [0.1] * 30) == seconds(-0.1)


@given(
    st.floats(-3000, 59),
    st.lists(st.floats(0, 0.9), min_size=FEWEST, max_size=40),
)
def test_the_measure_is_off_by_the_way_to_us_at_most(behind, ways):
    found = measured([behind + way for way in ways])
    assert -seconds(behind + 1) <= found <= -seconds(behind) + seconds(0.001)
