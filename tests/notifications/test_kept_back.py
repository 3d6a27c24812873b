"""What a group may not do is said where the others have a button: it is no empty page."""

from __future__ import annotations

import pytest

from notifications.models import Push
from tests.browser import house
from tests.notifications import people

pytestmark = pytest.mark.django_db


@pytest.fixture
def push() -> Push:
    return house.furnished()


def page_of(group: str, path: str) -> str:
    return people.browser_of(group).get(path).content.decode()


@pytest.mark.parametrize(
    ("path", "told", "button"),
    [
        ("/pushes/", "Your group may not resend.", "Resend ticked"),
        ("/pushes/", "Your group may not export.", "CSV, tokens masked"),
        ("/failures/?tab=deliveries", "Your group may not resend.", "Resend ticked"),
        ("/settings/", "Your group may not change people.", "Add a person"),
        ("/settings/", "Your group may not make API tokens.", "Make an API token"),
        ("/settings/", "Your group may not change keys", "Add or replace a key"),
        ("/settings/", "Your group may not change apps", "Add an app"),
        ("/devices/{}/", "Your group may not send pushes.", "Send remote test push"),
        ("/devices/{}/", "Your group may not reveal them.", "Show tokens once"),
        (
            "/failures/?tab=activity",
            "You may not see what people did",
            "Filter what people did",
        ),
    ],
)
def test_ops_are_told_and_admins_have_the_button(push, path, told, button):
    path = path.format(push.device_id)
    ops, admin = page_of("ops", path), page_of("admin", path)
    assert told in ops and button not in ops
    assert told not in admin and button in admin


def test_rows_are_ticked_for_comparing_without_a_right_to_resend(push):
    page = page_of("ops", "/pushes/")
    assert "Compare two" in page and 'name="push" value=' in page
    assert "Resend all" not in page


def test_a_refused_page_names_who_asked(push):
    answer = people.browser_of("ops").get("/audit/")
    assert answer.status_code == 403
    assert "You are ops-person" in answer.content.decode()
