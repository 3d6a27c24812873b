"""Numbers that stand on many pages: of now in a small house, kept a moment in a large one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from notifications import kept_counts
from notifications.at_once import Question, up_to_limit
from notifications.kept_counts import (
    KEEP,
    LONGEST,
    MOST_KEPT,
    counts,
    forget,
    longer,
)
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
    asked = {"all": lambda: up_to_limit(Device.objects.all())}
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
    assert number(LONGEST) == 3


@pytest.mark.django_db(transaction=True)
def test_who_asks_later_does_not_wait_for_the_count(
    monkeypatch, django_assert_num_queries
):
    monkeypatch.setattr(kept_counts, "COUNTED", 1)
    started = []
    renew = kept_counts.renew
    monkeypatch.setattr(kept_counts, "renew", lambda *of: started.append(renew(*of)))
    for _ in range(2):
        factories.registered_device()
    assert number() == 2
    factories.registered_device()
    with django_assert_num_queries(0):
        assert number(KEEP) == 2
    started[0].join()
    with django_assert_num_queries(0):
        assert number(KEEP + timedelta(seconds=1)) == 3


def test_what_must_be_of_now_is_kept_only_where_it_is_great(monkeypatch):
    for name in ("COUNTED", "GREAT"):
        monkeypatch.setattr(kept_counts, name, 1)
    for _ in range(2):
        factories.registered_device()
    rows = Device.objects.all()
    named = Device.objects.filter(aor__contains="phone")
    fresh = {
        "limited": lambda: up_to_limit(rows),
        "exact": lambda: Question(named.order_by()),
    }

    def asked(after: int) -> dict[str, int]:
        return counts({}, MORNING + timedelta(seconds=after), fresh)

    assert asked(0) == {"limited": 2, "exact": 2}
    factories.registered_device()
    # Two is great here.
    assert asked(1) == {"limited": 2, "exact": 3}
    assert asked(KEEP.seconds) == {"limited": 3, "exact": 3}


@pytest.mark.django_db(transaction=True)
def test_what_takes_long_to_count_is_kept_longer(
    monkeypatch, django_assert_num_queries
):
    monkeypatch.setattr(kept_counts, "COUNTED", 1)
    # Whatever it takes here is long.
    monkeypatch.setattr(kept_counts, "SHARE", 10**9)
    started = []
    renew = kept_counts.renew
    monkeypatch.setattr(kept_counts, "renew", lambda *of: started.append(renew(*of)))
    for _ in range(2):
        factories.registered_device()
    number(), number(KEEP)
    started[0].join()
    factories.registered_device()
    with django_assert_num_queries(0):
        assert number(KEEP + MOST_KEPT - timedelta(seconds=1)) == 2
    assert len(started) == 1
    assert number(KEEP + MOST_KEPT - KEEP + LONGEST) == 3


def test_a_number_is_kept_by_what_it_takes():
    assert longer(0.01) == longer(0.1) == timedelta()
    assert longer(0.2) == timedelta(seconds=60) - KEEP
    assert longer(60) == MOST_KEPT - KEEP
