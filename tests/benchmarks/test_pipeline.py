"""The short form of `bin/bench pipeline`: from row to attempt, near and far."""

from __future__ import annotations

import shutil

import pytest

from benchmarks import pipeline


@pytest.mark.skipif(shutil.which("nginx") is None, reason="needs nginx")
def test_rows_go_to_a_far_apns_and_calls_do_not_wait_for_a_bulk(printed):
    sizes = ["--pushes", "100", "--bulk", "300", "--calls", "5", "--delay-ms", "20"]
    assert pipeline.main(sizes) in {0, 1}
    rows = printed()
    assert [row["figure"] for row in rows] == ["throughput", "idle", "busy"]
    assert rows[0]["per_second"] > 0
    assert [row["calls"] for row in rows[1:]] == [5, 5]


def test_what_to_install_is_said(monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")
    assert pipeline.main([]) == 2
    assert "apt-get install nginx" in capsys.readouterr().err
