"""`version:`, `ios:` and `phone:` on Pushes: what they fit, pages, and where they stop."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.http import QueryDict
from django.utils import timezone

from notifications import device_terms, push_list
from notifications.models import Push
from notifications.push_terms import asked_of, fitting
from tests import factories
from tests.notifications import people

pytestmark = pytest.mark.django_db
AGENT = "LinphoneiOS/{} ({}; iOS {}) LinphoneSDK/5.3.74"


def pushed(
    version: str, phone: str = "iPhone15,2", ios: str = "17.5", minutes: int = 1
):
    """A push, so many minutes ago, to a phone that says so."""
    device = factories.registered_device()
    device.user_agent = AGENT.format(version, phone, ios)
    device.save(update_fields=["user_agent"])
    moment = timezone.now() - timedelta(minutes=minutes)
    return factories.accepted_push(device, moment)


def listed(query: str):
    """What the page shows for an address."""
    return people.browser_of("ops").get(f"/pushes/?{query}").context["list"]


def shown(page) -> list[Push]:
    return [line.row.push for line in page.rows]


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize(
    ("term", "fits"),
    [
        ("version:6.2", [0, 1]),
        ("version:6.2.1", [0]),
        ("-version:6.2", [2]),
        ("ios:18", [2]),
        ("phone:iPhone15", [0, 1]),
        ("version:6.2 -ios:16.1", [0]),
        ("version:6.2.1 version:6.20", [0, 2]),
        ("version:7", []),
    ],
)
def test_they_fit_as_on_devices(term, fits, many, monkeypatch):
    pushes = [
        pushed("6.2.1"),
        pushed("6.2.0", ios="16.1"),
        pushed("6.20.0", phone="iPad13,8", ios="18.0"),
    ]
    if many:
        monkeypatch.setattr(device_terms, "MOST_AGENTS", 0)
    wanted = [pushes[place] for place in fits]
    page = listed(f"q={term}")
    assert page.faults == ()
    assert sorted(shown(page), key=pushes.index) == wanted
    assert page.total == len(wanted)
    devices = people.browser_of("ops").get(f"/devices/?q={term}").context["list"]
    assert {row.device for row in devices.rows} == {push.device for push in wanted}


def test_their_pages_follow_each_other_both_ways():
    pushes = [pushed("6.2.1", minutes=number) for number in range(30)]
    pushed("7.0.0")
    first = listed("q=version:6.2&rows=25")
    assert shown(first) == pushes[:25]
    second = listed(first.older)
    assert shown(second) == pushes[25:]
    assert shown(listed(second.newer)) == pushes[:25]


def test_they_are_looked_for_among_the_newest_of_many(monkeypatch):
    monkeypatch.setattr(push_list, "LOOKED_BY_DEVICE", 2)
    pushed("6.2.1", minutes=180)
    for _ in range(3):
        pushed("7.0.0")
    page = listed("q=version:6.2")
    assert (page.rows, page.total) == ([], 0)
    assert page.looked_since is not None
    assert len(listed("q=version:6.2+at:>1h").rows) == 1


def test_a_push_is_looked_at_by_itself_and_not_joined_with_all_devices():
    pushed("6.2.1")
    asked = asked_of(QueryDict("q=version:6.2"))
    sql = str(fitting(asked, timezone.now()).query)
    assert "JOIN" not in sql.replace('LEFT OUTER JOIN "notifications_call"', "")


def test_the_page_says_whose_words_they_are():
    pushed("6.2.1")
    said = b"those that each phone says today"
    browser = people.browser_of("ops")
    assert said in browser.get("/pushes/?q=version:6.2").content
    assert said not in browser.get("/pushes/?q=at:<1h").content


def test_failures_send_on_to_the_lists_that_have_them():
    page = people.browser_of("ops").get("/failures/?q=version:6.2").context["list"]
    (fault,) = page.faults
    assert fault == "version: can be asked of Devices and Pushes."
