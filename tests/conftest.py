"""What several test folders share."""

from __future__ import annotations

import pytest

from tests import server


@pytest.fixture(scope="session")
def base_url(django_db_setup) -> str:
    """A running server on the test database."""
    with server.running() as url:
        yield url
