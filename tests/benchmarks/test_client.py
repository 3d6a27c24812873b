"""The short form of `bin/bench client`: both clients really push to nginx."""

from __future__ import annotations

import shutil

import pytest

from benchmarks import client


@pytest.mark.skipif(shutil.which("nginx") is None, reason="needs nginx")
def test_both_clients_are_measured(printed):
    assert client.main(["--pushes", "300", "--rounds", "1", "--at-once", "20"]) in {
        0,
        1,
    }
    rows = printed()
    players = {row["player"]: row for row in rows if "player" in row}
    assert players.keys() >= {"pushdash", "aioapns", "h2load"}
    assert rows[-1].keys() >= {"bench", "times", "cpu", "ok"}


def test_what_to_install_is_said(monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")
    assert client.main([]) == 2
    assert "apt-get install nginx" in capsys.readouterr().err
