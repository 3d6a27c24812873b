"""Which clock a page is shown by: UTC, or the zone a person chose; files are UTC."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.utils import timezone

from notifications.failure_list import failures
from notifications.models import Preference, Push
from tests import factories
from tests.notifications.people import old_push
from tests.people import person

pytestmark = pytest.mark.django_db
#: 14:02 in UTC is 19:47 in Kathmandu: 5 h 45 min ahead.
MOMENT = datetime(2026, 7, 1, 14, 2, 31, tzinfo=UTC)
HERE = "Asia/Kathmandu"


@pytest.fixture
def browser() -> Client:
    client = Client()
    client.force_login(person("olga", "see"), "pushdash.logins.Logins")
    return client


@pytest.fixture
def push() -> Push:
    factories.feed(seen_until=timezone.now())
    found = old_push(factories.registered_device())
    Push.objects.filter(pk=found.pk).update(created_at=MOMENT, sent_at=MOMENT)
    return found


def choose(browser: Client, zone: str = HERE) -> None:
    assert browser.post("/time-zone/", {"zone": zone})["Location"] == "/time-zone/"


def test_times_are_utc_until_a_zone_is_chosen(browser, push):
    page = browser.get("/pushes/?span=all").text
    assert 'title="2026-07-01 14:02:31 UTC">14:02:31<' in page
    assert 'href="/time-zone/"' in page


def test_a_chosen_zone_is_kept_and_hover_says_utc_too(browser, push):
    choose(browser)
    assert Preference.objects.get().timezone == HERE
    page = browser.get("/pushes/?span=all").text
    hover = "2026-07-01 19:47:31 Asia/Kathmandu, 14:02:31 UTC"
    assert f'title="{hover}">19:47:31<' in page
    assert f'data-zone="{HERE}"' in page
    page = browser.get(f"/pushes/{push.pk}/").text
    assert "19:47:31.000" in page


def test_the_switch_shows_utc_and_comes_back(browser, push):
    choose(browser)
    answer = browser.post("/time-zone/switch/", {"next": "/pushes/?span=all"})
    assert answer["Location"] == "/pushes/?span=all"
    assert "14:02:31" in browser.get("/pushes/?span=all").text
    browser.post("/time-zone/switch/", {"next": "/"})
    assert "19:47:31" in browser.get("/pushes/?span=all").text


def test_the_case_file_and_its_json_stay_utc(browser, push):
    choose(browser)
    assert "2026-07-01T14:02:31" in browser.get(f"/pushes/{push.pk}/case.json").text
    case = browser.get(f"/pushes/{push.pk}/case").text
    assert "14:02:31" in case
    assert "19:47:31" not in case


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")
def test_exports_stay_utc(push):
    browser = Client()
    browser.force_login(person("ada", "see", "export"), "pushdash.logins.Logins")
    choose(browser)
    rows = b"".join(browser.get("/export/pushes.ndjson?span=all"))
    assert b'"2026-07-01T14:02:31' in rows


def test_hours_of_the_heat_map_follow_the_zone(push):
    now = timezone.now().replace(minute=50)
    Push.objects.update(state="rejected", reason="Shutdown", ended_at=now)
    for zone, hour in (("UTC", f"{now:%H}"), (HERE, None)):
        with timezone.override(zone):
            heat = failures({}, now, sees_activity=False).told.heat
            local = timezone.localtime(now)
        ((_, cells),) = heat.rows
        assert heat.hours[-1] == f"{local:%H}" == (hour or f"{local:%H}")
        assert cells[-1].number == 1


def test_a_zone_that_does_not_exist_is_refused_and_none_is_utc(browser):
    page = browser.post("/time-zone/", {"zone": "Mars/Olympus"})
    assert "Select a valid choice" in page.text
    assert not Preference.objects.exists()
    choose(browser)
    choose(browser, "")
    assert 'data-zone="UTC"' in browser.get("/time-zone/").text


def test_the_way_back_leads_to_no_other_site(browser):
    answer = browser.post("/time-zone/switch/", {"next": "https://evil.example/"})
    assert answer["Location"] == "/"


def test_who_is_not_logged_in_chooses_nothing():
    for path in ("/time-zone/", "/time-zone/switch/"):
        assert Client().post(path)["Location"].startswith("/login/")
