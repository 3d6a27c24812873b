"""Two pushes side by side: what differs is marked, no token is in clear."""

from __future__ import annotations

import uuid

import pytest

from notifications.compare import flat, side_by_side
from tests import factories
from tests.notifications import people


def test_a_payload_is_flattened_to_names_of_one_level():
    payload = {"aps": {"alert": {"loc-key": "IM_MSG"}, "badge": 1}, "call-id": ""}
    assert flat(payload) == {
        "aps.alert.loc-key": "IM_MSG",
        "aps.badge": 1,
        "call-id": "",
    }


def test_a_name_of_one_side_alone_is_a_difference():
    rows = side_by_side({"a": 1, "b": "x"}, {"a": 1, "c": "y"})
    assert [(row.name, row.left, row.right, row.differs) for row in rows] == [
        ("a", "1", "1", False),
        ("b", "x", "–", True),
        ("c", "–", "y", True),
    ]


@pytest.mark.django_db
def test_the_page_marks_what_differs_and_shows_no_token():
    device = people.reachable_device()
    left, right = people.old_push(device), people.old_push(device, "alert")
    answer = people.browser_of("ops").get(
        f"/pushes/compare/?push={left.pk}&push={right.pk}"
    )
    rows = {row.name: row for group in answer.context["both"] for row in group.rows}
    assert answer.context["pushes"] == [left, right]
    assert not rows["AOR"].differs
    assert rows["apns-push-type"].differs
    page = answer.content.decode()
    assert factories.token_of(device).token not in page
    assert f"{answer.context['differing']} differences" in page


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["", f"push={uuid.uuid4()}", "push=x&push=%00"])
def test_anything_but_two_pushes_is_explained(query):
    page = people.browser_of("ops").get(f"/pushes/compare/?{query}").content.decode()
    assert "Tick exactly two rows" in page
