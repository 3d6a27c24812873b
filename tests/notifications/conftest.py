"""The phone most tests of verdicts are about."""

from __future__ import annotations

import pytest

from tests.factories import (
    MORNING,
    app,
    feed,
    registered_device,
)


@pytest.fixture
def device(db):
    app()
    feed(seen_until=MORNING)
    return registered_device()
