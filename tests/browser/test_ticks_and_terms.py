"""Ticking rows by key, resending them with a typed number, completing a query."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from notifications.models import Bulk, BulkItem
from tests.browser import house
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)


def test_rows_are_ticked_by_key_and_resent_after_the_number_was_typed(open_as):
    house.furnished()
    BulkItem.objects.all().delete()
    Bulk.objects.all().delete()
    page = open_as(person("olga", *house.ALL), "/pushes/")
    for _ in range(2):
        page.keyboard.press("j")
        page.keyboard.press("x")
    expect(page.locator("[data-selected]")).to_have_text("2 ticked")
    page.get_by_role("button", name="Resend ticked").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Resend")
    page.get_by_label("Send", exact=True).select_option("alert")
    expect(page.get_by_label("Type 2 to confirm")).to_be_visible()
    page.get_by_label("Type 2 to confirm").fill("2")
    page.get_by_role("button", name="Resend 2", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Resend of 2 pushes")
    page.get_by_role("button", name="Undo, send nothing").click()
    expect(page.get_by_role("status").first).to_contain_text("Stopped. 2 were not sent")
    assert Bulk.objects.get().state == "cancelled"


@pytest.mark.parametrize(
    ("path", "typed", "completed"),
    [
        ("/devices/", "alice -sta", "alice -state:suspected"),
        ("/failures/", "alice -rea", "alice -reason:BadDeviceToken"),
    ],
)
def test_the_last_word_of_a_query_is_completed(open_as, path, typed, completed):
    house.furnished()
    page = open_as(person("olga", "see"), path)
    page.locator("input[list=terms]").fill(typed)
    values = page.locator("#terms option").evaluate_all("all => all.map(o => o.value)")
    assert completed in values
