"""The short form of `bin/bench kill-ingest`, and that it can fail."""

from __future__ import annotations

from collections import Counter

from benchmarks import kill_ingest


def test_a_follower_killed_amid_rotations_ends_with_the_rows_of_one_left_alone(printed):
    arguments = ["--registers", "3000", "--kills", "4", "--rotations", "8"]
    assert kill_ingest.main(arguments) == 0
    row = printed()[-1]
    assert (row["kills"], row["twice"], row["wrong"]) == (4, 0, {})
    assert row["sightings"] == row["registers"] > 2900
    assert row["rotations"].keys() == {"rename", "copytruncate", "gzip"}


def test_a_row_that_is_lost_or_there_twice_is_told():
    right, wrong = Counter({("a",): 1, ("b",): 1}), Counter({("a",): 2})
    assert kill_ingest.differences(right, right) == []
    told = kill_ingest.differences(wrong, right)
    assert told == ["1 lost, 1 more", "lost ('b',)", "more ('a',)"]
