"""Numbers that stand on many pages: of now in a small house, kept a moment in a large one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from notifications import kept_counts
from notifications.at_once import up_to_limit
from notifications.kept_counts import KEEP, counts, forget
from registrations.models import Device
from tests import factories
from tests.factories import MORNING

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_kept():
    forget()
    yield
    forget()


def number(after: timedelta = timedelta()) -> int:
    asked = {"all": up_to_limit(Device.objects.all())}
    return counts(asked, MORNING + after)["all"]


def test_a_small_house_is_counted_each_time():
    factories.registered_device()
    assert number() == 1
    factories.registered_device()
    assert number() == 2


def test_a_large_house_is_counted_now_and_then(monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(kept_counts, "COUNTED", 1)
    for _ in range(2):
        factories.registered_device()
    assert number() == 2
    factories.registered_device()
    with django_assert_num_queries(0):
        assert number(KEEP - timedelta(seconds=1)) == 2
    assert number(KEEP) == 3
