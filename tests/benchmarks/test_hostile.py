from __future__ import annotations

from benchmarks import hostile


def test_the_short_form_holds_in_every_case(tmp_path):
    """Every other format has the same in tests/registrations/formats/test_endless.py."""
    rows = hostile.rows(tmp_path, 2_000_000, ["kamailio"])
    found = {row["case"]: row for row in rows}
    assert [case for case, row in found.items() if not row["holds"]] == []
    assert found["no newline, kamailio"]["told"] == {"line_length": 1}
    assert found["a header of 1 MB, kamailio"]["told"] == {"headers_cut": 1}
    assert found["half messages, kamailio"]["told"]["headers_cut"] > 1_000
    assert found["an HTTP body without end"]["told"] == {"413": 1}
    assert found["a packed HTTP body without end"]["told"] == {"413": 1}
