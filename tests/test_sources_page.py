"""docs/sources.md has a section for every format, and names no format that is none."""

from __future__ import annotations

import re
from pathlib import Path

from registrations.formats import NAMES

PAGE = (Path(__file__).parents[1] / "docs" / "sources.md").read_text()
HEADINGS = re.findall(r"(?m)^##+ (.*)$", PAGE)


def test_every_format_has_a_section_of_its_name():
    named = {name for line in HEADINGS for name in re.findall(r"`([^`]+)`", line)}
    alone = {name for name in NAMES if "+" not in name}
    assert alone <= named
    assert named - {"--xlog"} <= set(NAMES)
