"""Wilson's interval against published numbers; the two-proportion test."""

from __future__ import annotations

import pytest

from notifications.proportions import Tally, is_worse, wilson

#: hits, total, low, high: Newcombe 1998 (Statistics in Medicine 17), table I, method 3.
PUBLISHED = [
    (81, 263, 0.2553, 0.3662),
    (15, 148, 0.0624, 0.1605),
    (0, 20, 0.0000, 0.1611),
    (1, 29, 0.0061, 0.1718),
]


@pytest.mark.parametrize(("hits", "total", "low", "high"), PUBLISHED)
def test_wilsons_interval_is_the_published_one(hits, total, low, high):
    assert wilson(hits, total) == pytest.approx((low, high), abs=0.0001)


def test_of_nothing_nothing_is_known():
    assert Tally().interval == (0.0, 1.0)
    assert Tally(5, 5).interval[1] == 1.0


@pytest.mark.parametrize(
    ("now", "before", "worse"),
    [
        (Tally(128, 412), Tally(96, 2000), True),  # 31 % of 4.8 %
        (Tally(96, 2000), Tally(128, 412), False),  # better
        (Tally(2, 10), Tally(96, 2000), False),  # 20 %, but of ten
        (Tally(9000, 100_000), Tally(8000, 100_000), False),  # sure, but one point
        (Tally(60, 400), Tally(0, 2000), True),
        (Tally(50, 50), Tally(50, 50), False),
        (Tally(50, 50), Tally(), False),
        (Tally(), Tally(1, 50), False),
    ],
)
def test_worse_is_sure_and_large(now, before, worse):
    assert is_worse(now, before) is worse


def test_a_share_is_said_with_as_many_digits_as_it_bears():
    assert Tally(48, 1000).percent == "4.8 %"
    assert Tally(128, 412).percent == "31 %"
    assert Tally(0, 9).percent == "0.0 %"
    assert Tally(128, 412).interval_words == "27 to 36 %"
