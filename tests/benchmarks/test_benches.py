"""Every bench is found by `bin/bench` and says how it is used."""

from __future__ import annotations

import pytest

from benchmarks.__main__ import benches, main


@pytest.mark.parametrize("name", benches())
def test_every_bench_answers_help(name, capsys):
    with pytest.raises(SystemExit) as leaving:
        main([name, "--help"])
    assert leaving.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: bin/bench {name} ")
