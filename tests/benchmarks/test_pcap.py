from __future__ import annotations

import shutil

import pytest

from benchmarks import pcap
from tests.corpora import needs_corpora


@needs_corpora
@pytest.mark.skipif(shutil.which("tshark") is None, reason="needs tshark")
def test_tshark_and_parse_tell_of_the_same_registers(tmp_path):
    row = pcap.compare(tmp_path, 4_000_000, rounds=1)
    assert row["registers"] > 800
    assert row["only_tshark"] == row["only_parse"] == 0
    assert row["unseen_by_tshark"] > 0


def test_what_to_install_is_said(monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")
    assert pcap.main([]) == 2
    assert "apt-get install tshark" in capsys.readouterr().err
