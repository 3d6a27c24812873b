"""Order, rows a page and columns of a list, as its address says."""

from __future__ import annotations

import pytest
from django.http import QueryDict
from django.utils import timezone

from notifications.device_list import COLUMNS, ORDERS, devices
from notifications.display import display_of
from notifications.models import Ledger
from notifications.push_list import pushes
from notifications.terms import proposed
from tests import factories
from tests.notifications import people

pytestmark = pytest.mark.django_db


def aors(query: str) -> list[str]:
    found = devices(QueryDict(query), timezone.now())
    return [row.device.aor[4:].partition("@")[0] for row in found.rows]


def test_what_is_usual_or_nonsense_leaves_no_trace_in_the_address():
    usual = {"sort": "", "rows": "", "col": []}
    for query in ("", "sort=nonsense&rows=7&col=x", "sort=newest&rows=50"):
        assert display_of(QueryDict(query), ORDERS, COLUMNS).address == usual
    chosen = display_of(QueryDict("sort=aor&rows=100&col=app"), ORDERS, COLUMNS)
    assert chosen.address == {"sort": "aor", "rows": "100", "col": ["app"]}


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("", ["bob", "anna", "carl"]),
        ("oldest", ["carl", "anna", "bob"]),
        ("aor", ["anna", "bob", "carl"]),
        ("aor_down", ["carl", "bob", "anna"]),
    ],
)
def test_devices_come_in_the_chosen_order(sort, expected):
    for name in ("carl", "anna", "bob"):
        factories.registered_device(f"sip:{name}@example.org")
    assert aors(f"sort={sort}") == expected


@pytest.mark.parametrize("sort", ORDERS)
def test_every_order_pages_both_ways_over_every_row_once(sort):
    for number in range(60):
        device = factories.registered_device(f"sip:same{number // 20}@example.org")
        Ledger.objects.create(
            token=factories.token_of(device),
            state="not_waking",
            strikes=1 + number // 20,
            since=timezone.now(),
        )
    seen, address = [], f"sort={sort}&rows=25"
    pages = []
    while address:
        page = devices(QueryDict(address), timezone.now())
        pages.append([row.device.pk for row in page.rows])
        seen += pages[-1]
        address, back = page.older, page.newer
    assert (len(seen), len(set(seen)), len(pages)) == (60, 60, 3)
    assert "rows=25" in back
    before = devices(QueryDict(back), timezone.now())
    assert [row.device.pk for row in before.rows] == pages[1]


def test_pushes_come_oldest_first_where_the_address_says_so():
    device = factories.registered_device()
    first, second = people.old_push(device), people.old_push(device)
    found = pushes(QueryDict("sort=oldest"), timezone.now())
    assert [line.row.push for line in found.rows] == [first, second]


def test_a_hidden_column_is_not_on_the_page_and_links_keep_the_choice():
    people.old_push(people.reachable_device())
    browser = people.browser_of("ops")
    for path, kept, hidden in (
        ("/devices/?col=app&col=strikes", "App and version", "Last REGISTER"),
        ("/pushes/?col=time&col=type", "Time", "Status and reason"),
    ):
        page = browser.get(path).content.decode()
        assert f'<th scope="col">{kept}</th>' in page
        assert f'<th scope="col">{hidden}</th>' not in page
        assert "&amp;col=" in page


def test_terms_are_proposed_with_what_they_take():
    page = people.browser_of("ops").get("/devices/?q=alice").content.decode()
    assert 'value="alice state:suspected"' in page
    assert 'data-term="seen:&lt;1h"' in page
    found = devices(QueryDict(""), timezone.now()).terms
    assert ("version:", "any text") in found
    assert proposed({}) == []
