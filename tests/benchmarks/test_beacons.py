"""The short form of `bin/bench beacons`."""

from __future__ import annotations

import json

from benchmarks import beacons


def test_every_beacon_is_answered_and_stored(capfd):
    beacons.main(["--beacons", "40", "--phones", "10"])
    row = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert row["statuses"] == {"200": 40}
    assert row["stored"] == row["beacons"] == 40
    assert row["ok"]
