"""The Fleet page's numbers from rows; alarms found, kept and ended."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from notifications.alarms import alarms
from notifications.fleet_page import fleet
from notifications.handling import settle
from notifications.models import Call, RegressionAlarm
from notifications.releases import watch
from notifications.sums import recount
from registrations.models import Feed
from tests import factories
from tests.factories import MORNING, accepted_push, registered_device
from tests.notifications.people import browser_of
from tests.notifications.releases import AGENT, judged, running

pytestmark = pytest.mark.django_db
NOW = MORNING + timedelta(days=3)


def test_a_call_keeps_the_build_that_rang():
    factories.feed(seen_until=MORNING)
    device = running("6.2.0")
    push = accepted_push(device, MORNING)
    settle(MORNING + timedelta(seconds=1))
    device.user_agent = AGENT.format("6.2.1", "iPhone 13")
    device.save()
    Feed.objects.update(seen_until=MORNING + timedelta(minutes=5))
    settle(MORNING + timedelta(minutes=5))
    call = Call.objects.get(call_id=push.call_id)
    assert call.verdict == "unhandled"
    assert (call.build.version, call.build.phone) == ("6.2.0", "iPhone 13")


def test_a_phone_that_says_nothing_has_no_build():
    factories.feed(seen_until=MORNING)
    accepted_push(registered_device(), MORNING)
    settle(MORNING)
    assert Call.objects.get().build is None


def test_the_heat_map_counts_by_version_and_phone():
    judged(NOW, "6.2.1", 10, 40)
    judged(NOW, "6.2.1", 1, 8, phone="iPhone 15")
    judged(NOW, "6.2.0", 1, 100)
    judged(NOW, "6.2.0", 5, 9, days=20)
    found = fleet({"span": "7d"}, NOW)["heat"]
    assert found.columns == ["iPhone 13", "iPhone 15"]
    newest, older = found.rows
    assert (newest.version, newest.total.tally.judged) == ("6.2.1", 48)
    assert [cell.level for cell in newest.cells] == ["h4", ""]
    assert [cell.tally.judged for cell in older.cells] == [100, 0]


def test_wake_times_say_how_long_a_proxy_should_wait():
    judged(NOW, "6.2.1", 0, 200)
    judged(NOW, "6.2.0", 0, 10)
    page = fleet({}, NOW)
    assert [one.version for one in page["versions"]] == ["6.2.1", "6.2.0"]
    first, second = page["versions"]
    assert first.p50 == pytest.approx(1.5, abs=0.1)
    assert first.p99 == pytest.approx(2.0, abs=0.01)
    assert (first.wait, page["whole"].wait) == (5, 5)
    assert (second.p95, second.p99, second.wait) == (None, None, None)


def test_coverage_says_for_how_many_pushes_a_proof_was_possible():
    judged(NOW, "6.2.1", 10, 83)
    calls = list(Call.objects.order_by("pk")[:0])
    for number, (verdict, rule, overdue) in enumerate(
        [("awaited", "", True)] * 12
        + [("not_counted", "ambiguous", True)] * 5
        + [("awaited", "", False), ("not_counted", "rejected", True)]
    ):
        calls.append(
            Call(
                token=Call.objects.first().token,
                call_id=f"open {number}",
                pushes_accepted=1,
                sent_at=NOW - timedelta(hours=1),
                handle_by=NOW + timedelta(seconds=-1 if overdue else 1),
                verdict=verdict,
                rule=rule,
                created_at=NOW,
            )
        )
    Call.objects.bulk_create(calls)
    recount()
    found = fleet({}, NOW)["coverage"]
    assert (found.percent, found.total) == (83.0, 100)
    assert [number for _, number in found.gaps] == [12, 5]


def test_a_bad_release_is_found_kept_and_ended():
    judged(NOW, "6.2.0", 240, 5000, days=2)
    judged(NOW, "6.2.0", 29, 600)
    judged(NOW, "6.2.1", 128, 412)
    watch(NOW)
    alarm = alarms()[0]
    assert alarm.words == "LinphoneiOS 6.2.1: 4.8 % → 31 % (n = 412)"
    assert (alarm.row.kind, alarm.row.since) == ("release", NOW)
    watch(NOW + timedelta(minutes=1))
    assert RegressionAlarm.objects.get().since == NOW
    assert RegressionAlarm.objects.get().looked_at > NOW
    watch(NOW + timedelta(days=2))
    assert not RegressionAlarm.objects.exists()


def test_the_days_before_are_counted_once_an_hour():
    judged(NOW, "6.2.0", 240, 5000, days=2)
    judged(NOW, "6.2.0", 29, 600)
    judged(NOW, "6.2.1", 128, 412)
    watch(NOW)
    # Nothing of the week before is looked at again within the hour; of now everything is.
    Call.objects.filter(sent_at__lt=NOW - timedelta(days=1.5)).delete()
    judged(NOW, "6.2.1", 0, 40)
    watch(NOW + timedelta(minutes=1))
    alarm = RegressionAlarm.objects.get()
    assert (alarm.before_unhandled, alarm.before_judged) == (240, 5000)
    assert alarm.now_judged == 452
    watch(NOW + timedelta(hours=1))
    # The week is gone: the other version of now is compared with.
    assert RegressionAlarm.objects.get().before_judged == 600


def test_a_drop_of_every_version_names_none():
    judged(NOW, "6.2.0", 240, 5000, days=2)
    judged(NOW, "6.2.0", 200, 600)
    judged(NOW, "6.2.1", 128, 412)
    watch(NOW)
    assert [alarm.words for alarm in alarms()] == [
        "All versions of LinphoneiOS: 4.8 % → 32 % (n = 1,012)"
    ]


def test_the_page_asks_few_queries(django_assert_max_num_queries):
    now = timezone.now()
    for version in ("6.2.1", "6.2.0", "6.1.9"):
        judged(now, version, 5, 60)
    browser = browser_of("ops")
    with django_assert_max_num_queries(12):
        page = browser.get("/fleet/").content.decode()
    assert "6.1.9" in page
    assert browser.get("/fleet/?span=x&by=y").status_code == 200


def test_an_empty_house_says_so():
    page = browser_of("ops").get("/fleet/").content.decode()
    assert "No VoIP push in this time" in page
    assert "No call judged" in page
