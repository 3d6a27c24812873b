"""Which alarms stand, since when, and who says so when nobody looked."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from notifications.alarm_rules import FORGOTTEN, alarm_rules
from notifications.alarm_watch import measure, watch
from notifications.handling import settle
from notifications.models import (
    AlarmState,
    Credential,
    FeedPace,
    Ledger,
    RegressionAlarm,
)
from pushdash.celery import PERIODS
from registrations.models import Feed
from tests import factories
from tests.notifications import people

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def firing() -> set[str]:
    rows = AlarmState.objects.filter(is_firing=True)
    return set(rows.values_list("rule", flat=True))


@pytest.fixture
def key() -> Credential:
    return people.credential_of(factories.app())


def test_every_alarm_is_looked_at_and_quiet_in_a_house_that_is_well(key):
    now = timezone.now()
    watch(now)
    assert firing() == set()
    rules = set(AlarmState.objects.values_list("rule", flat=True))
    assert rules == {rule.rule for rule in alarm_rules()} == set(AlarmState.Rule)


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("credential", {"paused_until": timezone.now(), "pause_reason": "x"}),
        ("jump", {"jump_at": timezone.now()}),
        ("certificate", {"expires_at": timezone.now() + timedelta(days=3)}),
    ],
)
def test_a_credential_in_trouble_fires(key, rule, changes):
    Credential.objects.update(**changes)
    watch(timezone.now())
    assert firing() == {rule}


def test_a_release_and_a_source_fire():
    now = timezone.now()
    numbers = dict.fromkeys(
        ("now_unhandled", "now_judged", "before_unhandled", "before_judged"), 1
    )
    RegressionAlarm.objects.create(
        kind="release", name="L", since=now, looked_at=now, **numbers
    )
    feed = factories.feed(seen_until=now - timedelta(hours=1))
    watch(now)
    assert firing() == {"release", "source"}
    Feed.objects.filter(pk=feed.pk).update(enabled=False)
    watch(now)
    assert firing() == {"release"}


def test_a_suspected_phone_fires_and_since_stays_until_it_changes():
    now = timezone.now()
    device = factories.registered_device()
    factories.feed(seen_until=now)
    factories.accepted_push(device, now - timedelta(minutes=20))
    settle(now)
    watch(now - 9 * MINUTE)
    Ledger.objects.update(state="suspected")
    for minutes in (5, 4, 3):
        watch(now - minutes * MINUTE)
    row = AlarmState.objects.get(rule="suspected")
    assert (row.is_firing, row.since) == (True, now - 5 * MINUTE)
    assert row.looked_at == now - 3 * MINUTE
    Ledger.objects.update(state="recovered")
    watch(now - MINUTE)
    row.refresh_from_db()
    assert (row.is_firing, row.since) == (False, now - MINUTE)


def test_settings_say_since_when(key):
    now = timezone.now()
    watch(now - timedelta(minutes=3))
    Credential.objects.update(jump_at=now)
    watch(now - MINUTE)
    page = people.browser_of("ops").get("/settings/").content.decode()
    section = page.partition('id="alarms"')[2].partition("</section>")[0]
    assert section.count("quiet for <time") == len(AlarmState.Rule) - 1
    assert section.count("firing for <time") == 1


def test_what_was_seen_long_ago_is_not_said_of_now(key):
    watch(timezone.now() - FORGOTTEN)
    page = people.browser_of("ops").get("/settings/").content.decode()
    assert "quiet for" not in page
    assert page.count("nobody looked lately") == len(AlarmState.Rule)
    assert timedelta(seconds=PERIODS["tasks.watch_alarms"]) * 5 < FORGOTTEN


def test_settings_say_how_many_registers_a_minute_a_source_gives():
    now = timezone.now()
    feed = factories.feed(seen_until=now)

    def counted(number: int, at) -> float | None:
        Feed.objects.filter(pk=feed.pk).update(register_count=number)
        measure(at)
        return FeedPace.objects.get(feed=feed).per_minute

    assert counted(100, now - 4 * MINUTE) is None
    assert counted(220, now - 2 * MINUTE) == 60
    # Too close to the look before it, then counted from that one on.
    assert counted(230, now - 2 * MINUTE + timedelta(seconds=30)) == 60
    page = people.browser_of("ops").get("/settings/").content.decode()
    assert '<td class="end num">60</td>' in page
    # Counted anew: a feed that was read again from its beginning.
    assert counted(5, now) == 0
    FeedPace.objects.update(looked_at=now - FORGOTTEN)
    page = people.browser_of("ops").get("/settings/").content.decode()
    assert "not measured yet" in page
