"""Pages by keyset: both ways, nothing twice, nothing left out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DataError, connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.keyset import BY_CREATION, BY_ID, cut, pages, query, words
from notifications.models import Push
from registrations.models import Device
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def devices() -> list[int]:
    """Five devices, newest first."""
    return [factories.registered_device().pk for _ in range(5)][::-1]


def page(asked: dict):
    return cut(Device.objects.all(), BY_ID, asked, size=2)


def ids(found) -> list[int]:
    return [row.pk for row in found.rows]


def test_pages_go_to_the_end_and_back_again(devices):
    first = page({})
    second = page({"before": first.older})
    third = page({"before": second.older})
    assert [*ids(first), *ids(second), *ids(third)] == devices
    assert (first.newer, third.older) == ("", "")
    back = page({"after": third.newer})
    assert ids(back) == ids(second)
    assert ids(page({"after": back.newer})) == ids(first)


def test_the_first_page_reached_backwards_has_nothing_newer(devices):
    second = page({"before": page({}).older})
    assert page({"after": second.newer}).newer == ""


def test_what_came_since_is_on_the_newer_page(devices):
    added = factories.registered_device()
    assert ids(page({"after": str(devices[0])})) == [added.pk]


def test_a_cursor_that_names_no_place_gives_the_first_page(devices):
    for cursor in ("nonsense", "²", "9" * 30, "-1", ""):
        assert ids(page({"before": cursor, "after": cursor})) == devices[:2]


def test_pushes_of_one_moment_are_paged_without_loss():
    now, device = timezone.now(), factories.registered_device()
    made = {factories.accepted_push(device, now).pk for _ in range(5)}
    made.add(factories.accepted_push(device, now - timedelta(hours=1)).pk)
    seen, asked = [], {}
    for _ in range(3):
        found = cut(Push.objects.all(), BY_CREATION, asked, size=2)
        seen += ids(found)
        asked = {"before": found.older}
    assert set(seen) == made
    assert len(seen) == 6


@pytest.mark.parametrize(
    "moment",
    [
        "2026-11-24T09:00:00+23:59",
        "2026-11-24T09:00:00+00:00:00.5",
        "0001-01-01T00:00+14:00",
        "9999-12-31T23:59-14:00",
    ],
)
@pytest.mark.parametrize("name", ["before", "after"])
def test_a_moment_in_a_zone_that_only_python_knows_gives_a_page(moment, name):
    push = factories.accepted_push(factories.registered_device(), timezone.now())
    asked = {name: f"{moment}|{push.pk}"}
    assert cut(Push.objects.all(), BY_CREATION, asked).rows in ([push], [])


def test_a_query_leaves_out_what_is_empty_and_repeats_a_list():
    assert query(q="", type=["voip", "alert"], span="1h") == (
        "type=voip&type=alert&span=1h"
    )


def test_what_was_typed_is_text_a_database_can_hold():
    assert words(" a\x00b ") == "ab"
    assert len(words("x" * 999)) == 200


def test_every_page_in_turn_sees_what_this_transaction_made(devices):
    read = [[row.pk for row in some] for some in pages(Device.objects.all(), BY_ID, 2)]
    assert read == [devices[:2], devices[2:4], devices[4:]]
    assert list(pages(Device.objects.none(), BY_ID, 2)) == [[]]


def test_the_next_page_is_asked_for_while_one_is_worked_on(devices):
    with CaptureQueriesContext(connection) as asked:
        rows = pages(Device.objects.all(), BY_ID, 2)
        next(rows)
        rows.close()
        assert len(asked) == 2
    assert not connection.allow_thread_sharing


def test_what_the_database_refuses_is_raised_where_rows_are_taken(devices):
    rows = pages(Device.objects.annotate(wrong=1 / (F("pk") - F("pk"))), BY_ID, 2)
    with pytest.raises(DataError), transaction.atomic():
        next(rows)
    assert not connection.allow_thread_sharing
