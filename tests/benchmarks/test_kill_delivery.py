"""The short forms of `bin/bench kill-delivery`: each victim killed once, each trouble met."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks import apns_sink, kill_delivery


def played(printed, *options: str) -> dict:
    # Answered so late that there is time to kill with pushes on the wire.
    assert kill_delivery.main(["--pushes", "400", *options]) == 0
    row = printed()[-1]
    assert row["asked"] == 400
    assert sum(row["states"].values()) == 400
    return row


@pytest.mark.parametrize("victim", kill_delivery.VICTIMS)
def test_whoever_is_killed_nothing_is_lost_or_sent_twice(printed, victim):
    options = ["--kills", "1", "--answer-ms", "1000", "--victim", victim]
    row = played(printed, *options)
    assert row["kills"] == 1
    assert row["states"].keys() <= {"accepted", "unknown"}


@pytest.mark.parametrize("trouble", ["goaway", "expired"])
def test_an_apns_in_trouble_loses_no_push(printed, trouble):
    row = played(printed, "--kills", "0", "--trouble", trouble)
    assert row["states"] == {"accepted": 400}


def test_every_trouble_is_met_within_a_thousand_requests():
    for name, fault_of in apns_sink.TROUBLES.items():
        kinds = Counter(fault_of(n).kind for n in range(1000) if fault_of(n))
        assert bool(kinds) == (name != "none"), name
