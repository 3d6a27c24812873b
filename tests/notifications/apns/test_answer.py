"""What is read out of an answer, whatever stands in it."""

from __future__ import annotations

import pytest

from notifications.apns import Outcome, result_of


@pytest.mark.parametrize(
    ("timestamp", "seconds"),
    [
        ("1700000000000", 1_700_000_000),
        ("1700000000000.0", 1_700_000_000),
        ("1700000000", None),  # seconds: a moment of 1970
        ("253402300799000", None),  # the last second of 9999
        ("-62135596800000", None),
        ("true", None),
        ('"1700000000000"', None),
        ("NaN", None),
        ("1e400", None),
        ("9" * 400, None),
    ],
)
def test_a_moment_that_can_be_none_is_left_out(timestamp, seconds):
    body = f'{{"reason": "Unregistered", "timestamp": {timestamp}}}'.encode()
    result = result_of(410, {}, body)
    assert (result.outcome, result.reason) == (Outcome.REJECTED, "Unregistered")
    said = result.gone_since and result.gone_since.timestamp()
    assert said == seconds
