"""The short form of `bin/bench kill-delivery`: one worker killed amid 400 pushes."""

from __future__ import annotations

import json

from benchmarks import kill_delivery


def test_a_killed_worker_loses_nothing_and_sends_nothing_twice(capfd):
    # Answered so late that there is time to kill a worker with pushes on the wire.
    options = ["--pushes", "400", "--kills", "1", "--answer-ms", "1000"]
    assert kill_delivery.main(options) == 0
    row = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert row["kills"] == 1
    assert row["asked"] == 400
    assert sum(row["states"].values()) == 400
