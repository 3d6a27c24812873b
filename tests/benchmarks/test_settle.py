"""The short forms of `bin/bench settle` and `rebuild`."""

from __future__ import annotations

from benchmarks import rebuild, settle


def test_rounds_are_timed_with_and_without_a_history(printed):
    words = "--devices 200 --pushes 400 --rate 5 --seconds 6"
    settle.main(words.split())
    row = printed()[-1]
    assert row["history"] == 400
    assert row["p95_ms"] > 0
    assert row["p95_ms_without_history"] > 0


def test_a_rebuild_makes_every_verdict_and_then_changes_none(printed):
    rebuild.main(["--pushes", "500", "--devices", "50"])
    row = printed()[-1]
    assert (row["verdicts"], row["ledgers"], row["differences"]) == (500, 50, 0)
