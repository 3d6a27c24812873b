"""Every number by reason and by hour leads to the pushes it counts; versions have a rate."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.utils import timezone

from notifications.failure_list import failures
from notifications.failure_versions import calls_judged
from notifications.models import Push
from notifications.proportions import Tally
from tests import factories
from tests.notifications import people
from tests.notifications.releases import judged, running
from tests.notifications.test_failure_list import failed, listed, woke_nobody

pytestmark = pytest.mark.django_db


def at(push: Push, ago: timedelta) -> None:
    moment = timezone.now() - ago
    Push.objects.filter(pk=push.pk).update(ended_at=moment, created_at=moment)


@pytest.fixture
def many() -> None:
    """Failures of several reasons and hours."""
    for hours in (0, 0, 2, 3, 26, 50):
        at(failed("rejected", "Unregistered"), timedelta(hours=hours))
    at(failed("rejected"), timedelta(hours=2))
    at(failed("expired"), timedelta(hours=3))
    at(failed("failed", "no credential"), timedelta(hours=3))
    at(failed("failed"), timedelta(hours=5))
    woke_nobody(factories.registered_device())


@pytest.mark.parametrize("span", ["24h", "7d"])
def test_a_cell_leads_to_as_many_rows_as_it_counts(many, span):
    browser = people.browser_of("ops")
    text = browser.get(f"/failures/?span={span}").content.decode()
    heat = re.search(r'<table class="pd-heat">.*?</table>', text, re.DOTALL)[0]
    cells = re.findall(r'<td class="h\d"><a href="([^"]+)"[^>]*>(\d+)</a>', heat)
    assert sum(int(number) for _, number in cells) == {"24h": 9, "7d": 11}[span]
    for address, number in cells:
        page = browser.get(f"/failures/{unescape(address)}").context["list"]
        assert page.faults == ()
        assert len(page.page.rows) == page.listed == int(number), address


def test_a_reason_leads_to_as_many_rows_as_it_counts(many):
    for one in failures({}, timezone.now(), sees_activity=False).told.reasons:
        assert len(listed(one.terms).page.rows) == one.number, one.terms


def test_a_cell_keeps_the_filters_it_was_counted_with(many):
    text = people.browser_of("ops").get("/failures/?q=-state:failed").content.decode()
    cells = re.findall(r'<td class="h\d"><a href="([^"]+)"', text)
    assert cells
    assert all("q=-state%3Afailed%20" in address for address in cells)


def test_what_woke_nobody_is_listed_and_exported_where_it_is_asked_for(many):
    page = listed("outcome:asleep")
    (row,) = page.page.rows
    assert row.push.sip_call.verdict == "unhandled"
    assert [tab.number for tab in page.tabs if tab.name == "deliveries"] == [1]
    assert page.export == ("failed", "span=24h&q=outcome%3Aasleep")
    assert page.failed_address == "span=24h&q=outcome%3Aasleep"


def test_a_version_has_its_failures_and_the_rate_of_its_calls():
    now = timezone.now()
    judged(now, "6.2.1", 30, 120)
    judged(now, "6.2.1", 9, 10, days=20)
    judged(now, "6.1.0", 1, 5)
    for version in ("6.2.1", "6.1.0", "6.0.0"):
        push = factories.accepted_push(running(version), now, state="rejected")
        Push.objects.filter(pk=push.pk).update(reason="Unregistered")
    page = people.browser_of("ops").get("/failures/")
    found = {one.version: one for one in page.context["list"].told.versions}
    assert found["6.2.1"].calls == Tally(30, 120)
    assert (found["6.2.1"].number, found["6.2.1"].is_enough) == (1, True)
    assert found["6.1.0"].calls == Tally(1, 5)
    text = page.content.decode()
    assert re.search(r"30 of 120<br>.*?25 %", text)
    assert re.search(r"1 of 5<br>.*?too few for a rate", text)
    assert "no call judged" in text


def test_a_longer_time_is_counted_by_whole_days():
    now = timezone.now().replace(hour=12)
    judged(now, "6.2.1", 3, 10, days=7.6)
    assert calls_judged(now - timedelta(days=7), now) == {}
    assert calls_judged(now - timedelta(days=7.6), now) == {
        ("LinphoneiOS", "6.2.1"): Tally(3, 10)
    }


def test_a_range_holds_on_every_tab_and_in_every_file():
    push = failed("rejected", "Unregistered")
    at(push, timedelta(days=3))
    day = f"{timezone.now() - timedelta(days=3):%Y-%m-%d}"
    ends = f"from={day}T00%3A00%3A00Z&to={day}T23%3A59%3A59Z"
    browser = people.browser_of("admin")
    for tab in ("reasons", "deliveries", "refused", "activity"):
        asked = {"tab": tab, "from": day, "to": f"{day}T23:59:59", "span": "7d"}
        page = browser.get("/failures/", asked).context["list"]
        assert page.failed == 1
        assert ends in page.export[1]
        assert all(ends in one.address for one in page.tabs)


def test_a_range_without_a_beginning_keeps_its_length_on_every_tab():
    push = failed("rejected", "Unregistered")
    at(push, timedelta(days=6))
    until = f"{timezone.now() - timedelta(days=1):%Y-%m-%dT%H:%M}"
    page = people.browser_of("admin").get(f"/failures/?span=7d&to={until}")
    found = page.context["list"]
    assert (found.failed, found.time.span) == (1, "")
    assert all("span=7d" in tab.address for tab in found.tabs)
    assert "span=7d" in found.export[1]
