"""Every address states its right: nobody logs in first, each group gets what is its."""

from __future__ import annotations

import uuid

import pytest
from django.urls import get_resolver, reverse

from notifications import urls
from notifications.groups import GROUPS
from tests.notifications import people

pytestmark = pytest.mark.django_db

SEE = {"ops", "support", "admin"}
HELP = {"support", "admin"}
ADMIN = {"admin"}
#: address: (method, arguments, groups that may)
TABLE = {
    "live": ("get", [], SEE),
    "search": ("get", [], SEE),
    "devices": ("get", [], SEE),
    "devices-dry-run": ("get", [], HELP),
    "devices-left-out": ("get", [], HELP),
    "devices-start": ("post", [], HELP),
    "device": ("get", ["device"], SEE),
    "test-push": ("post", ["device"], HELP),
    "reset-strikes": ("post", ["device"], HELP),
    "other-environment": ("post", ["device", "token"], HELP),
    "reveal": ("post", ["device"], ADMIN),
    "fleet": ("get", [], SEE),
    "pushes": ("get", [], SEE),
    "push": ("get", ["push"], SEE),
    "resend": ("post", ["push"], HELP),
    "withdraw": ("post", ["push"], HELP),
    "case": ("get", ["push"], SEE),
    "case-json": ("get", ["push"], SEE),
    "compare": ("get", [], SEE),
    "bulk-dry-run": ("get", [], HELP),
    "bulk-left-out": ("get", [], HELP),
    "bulk-start": ("post", [], HELP),
    "bulk": ("get", ["bulk"], HELP),
    "bulk-cancel": ("post", ["bulk"], HELP),
    "bulk-results": ("get", ["bulk"], HELP),
    "audit": ("get", [], ADMIN),
    "add-view": ("post", [], SEE),
    "rename-view": ("post", ["view"], SEE),
    "delete-view": ("post", ["view"], SEE),
    "failures": ("get", [], SEE),
    "malformed": ("get", [], SEE),
    "settings": ("get", [], SEE),
    "add-app": ("post", [], ADMIN),
    "change-app": ("post", ["app"], ADMIN),
    "what-if": ("get", ["app"], ADMIN),
    "save-rules": ("post", ["app"], ADMIN),
    "beacon-secret": ("post", ["app"], ADMIN),
    "set-credential": ("post", [], ADMIN),
    "set-certificate": ("post", [], ADMIN),
    "try-credential": ("post", ["credential"], ADMIN),
    "change-feed": ("post", ["feed"], ADMIN),
    "payloads": ("get", ["app"], SEE),
    "change-payload": ("post", ["app", "kind"], ADMIN),
    "give-api-token": ("post", [], ADMIN),
    "revoke-api-token": ("post", ["api_token"], ADMIN),
    "add-user": ("post", [], ADMIN),
    "toggle-user": ("post", ["user"], ADMIN),
    "change-group": ("post", ["user"], ADMIN),
    "reset-password": ("post", ["user"], ADMIN),
    "export": ("get", ["name", "form"], ADMIN),
}
#: addresses of programs: their own secret guards them (test_gateway, test_api)
KEYED = {"gateway", "gateway-flexiapi", "api-pushes", "api-push"}
#: addresses that need no login, with what guards them instead
OPEN = {
    "login",
    "logout",
    "first-run",
    "beacons",
    "language",
    "time-zone",
    "password",
    "switch-clock",
    "try-lines",  # a login with the right to see: test_try_lines
}


@pytest.fixture
def address():
    """The path of a named address of the table, with rows behind it."""
    device = people.reachable_device()
    push = people.old_push(device)
    rows = {
        "device": device.pk,
        "token": push.token_id,
        "push": push.pk,
        "app": push.app_id,
        "feed": 1,
        "credential": 0,
        "api_token": 0,
        "user": 1,
        "view": 0,
        "bulk": uuid.UUID(int=0),
        "kind": "message",
        "name": "devices",
        "form": "csv",
    }

    def path_of(name: str) -> str:
        args = [rows[part] for part in TABLE[name][1]]
        return reverse(f"notifications:{name}", args=args)

    return path_of


def test_every_address_of_the_dashboard_stands_in_the_table():
    assert {pattern.name for pattern in urls.urlpatterns} == set(TABLE) | KEYED


def test_no_address_outside_the_dashboard_is_open_unseen():
    named = {key for key in get_resolver().reverse_dict if isinstance(key, str)}
    assert named == OPEN


@pytest.mark.parametrize("name", TABLE)
def test_who_is_not_logged_in_is_sent_to_the_login(name, address):
    method, _, _ = TABLE[name]
    answer = getattr(people.browser_of(None), method)(address(name))
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/?next=")


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("name", TABLE)
def test_each_group_may_exactly_what_the_table_says(name, group, address):
    method, _, groups = TABLE[name]
    answer = getattr(people.browser_of(group), method)(address(name))
    assert (answer.status_code != 403) == (group in groups)
    assert answer.status_code < 500


@pytest.mark.parametrize(
    "name", [name for name, row in TABLE.items() if row[0] == "post"]
)
def test_what_changes_something_is_no_get_and_wants_a_csrf_token(name, address):
    browser = people.browser_of("admin", checks_csrf=True)
    assert browser.get(address(name)).status_code == 405
    assert browser.post(address(name)).status_code == 403


def test_a_push_that_is_not_there_is_404_and_no_error():
    path = reverse("notifications:push", args=[uuid.uuid4()])
    assert people.browser_of("ops").get(path).status_code == 404


@pytest.mark.parametrize("name", ["live", "devices", "pushes", "failures", "settings"])
def test_pages_open_on_an_empty_database(name):
    answer = people.browser_of("ops").get(reverse(f"notifications:{name}"))
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "q=%00",
        "q=" + "x" * 5000,
        "before=%C2%B2",
        "before=99999999999999999999999",
        "before=2026-01-01%7C00000000-0000-4000-8000-000000000001",
        "before=nonsense",
        "state=%00&env=nonsense&app=%27",
        "type=nonsense&verdict=x&reason=%00",
        "span=nonsense",
    ],
)
@pytest.mark.parametrize("name", ["devices", "pushes", "failures", "search", "audit"])
def test_a_nonsense_query_is_answered_and_breaks_nothing(name, query, address):
    answer = people.browser_of("admin").get(f"{address(name)}?{query}")
    assert answer.status_code in {200, 302}


@pytest.mark.parametrize("name", ["live", "devices", "pushes", "failures"])
def test_a_monitor_may_ask_for_the_head_of_a_page_alone(name, address):
    assert people.browser_of("ops").head(address(name)).status_code == 200
