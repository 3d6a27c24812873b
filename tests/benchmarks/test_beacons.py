"""The short form of `bin/bench beacons`."""

from __future__ import annotations

from benchmarks import beacons


def test_every_beacon_is_answered_and_stored(printed):
    beacons.main(["--beacons", "40", "--phones", "10"])
    row = printed()[-1]
    assert row["statuses"] == {"200": 40}
    assert row["stored"] == row["beacons"] == 40
    assert row["ok"]
