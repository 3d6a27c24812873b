"""The short form of `bin/bench ingest-lag`. Its time is not asserted: machines differ."""

from __future__ import annotations

from argparse import Namespace

from benchmarks import ingest_lag


def test_every_register_written_to_the_followed_log_is_waited_for(printed, monkeypatch):
    arguments = ["--devices", "200", "--pace", "50", "--seconds", "3"]
    ingest_lag.main(arguments)
    row = printed()[-1]
    assert row["registers"] == 50 * (3 + ingest_lag.WARM_SECONDS)
    assert row["measured"] == 150
    assert 0 < row["p50_ms"] <= row["p95_ms"] <= row["p99_ms"] <= row["max_ms"]


def test_a_slow_twentieth_misses_the_bar():
    given = Namespace(devices=1, pace=1)
    assert ingest_lag.row([9.0] * 96 + [501.0] * 4, 100, given)["ok"]
    assert not ingest_lag.row([9.0] * 94 + [501.0] * 6, 100, given)["ok"]
