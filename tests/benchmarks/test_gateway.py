"""The short form of `bin/bench gateway`. Its time is not asserted: machines differ."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter

from benchmarks import gateway


def test_every_request_is_answered_and_its_push_stored(printed):
    gateway.main(["--pace", "50", "--seconds", "1", "--form", "url"])
    row = printed()[-1]
    assert row["statuses"] == {"200": 50}
    assert row["stored"] == row["requests"] == 50
    assert 0 < row["p50_ms"] <= row["p95_ms"] <= row["p99_ms"] <= row["max_ms"]


def test_slow_refused_or_lost_requests_miss_the_bar():
    given = Namespace(form="json", pace=50)
    good, all_200 = [9.0] * 100, Counter({200: 100})
    assert gateway.row(good, all_200, 100, given)["ok"]
    assert not gateway.row([9.0] * 98 + [21.0] * 2, all_200, 100, given)["ok"]
    assert not gateway.row(good, Counter({200: 99, 503: 1}), 100, given)["ok"]
    assert not gateway.row(good, all_200, 99, given)["ok"]
