"""What several test folders share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.utils import translation

from simulator.tls import Identity, make_identity
from tests import server


@pytest.fixture(scope="session")
def base_url(django_db_setup) -> str:
    """A running server on the test database."""
    with server.running() as url:
        yield url


@pytest.fixture(scope="session")
def identity(tmp_path_factory) -> Identity:
    """What a simulated APNs is known by: certificate, CA and provider key."""
    return make_identity(tmp_path_factory.mktemp("apns"))


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """A request of a test leaves its language behind in the thread; the next begins anew."""
    yield
    translation.deactivate()
