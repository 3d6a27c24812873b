"""The shared corpora, where they are. A user's clone has none: those tests say so and skip."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

CORPORA = Path(__file__).resolve().parent.parent.parent / "shared" / "corpora"
needs_corpora = pytest.mark.skipif(
    not CORPORA.exists(), reason="needs the shared corpora, which this checkout lacks"
)


def rows(name: str) -> list[dict]:
    """The JSON lines of a corpus file, packed or not."""
    path = CORPORA / name
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt") as lines:
        return [json.loads(line) for line in lines]
