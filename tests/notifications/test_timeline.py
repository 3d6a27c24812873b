"""The timeline of a device: newest first, filtered, paged, with its turning points."""

from __future__ import annotations

from datetime import timedelta

import pytest

from notifications.device_address import place_of
from notifications.device_history import history_of
from notifications.handling import settle
from notifications.lane_spans import Stretch
from notifications.models import Reset, TokenHealthChange
from notifications.moments import EVENTS
from notifications.timeline import KINDS, timeline
from registrations.models import DeviceEvent
from tests import factories
from tests.factories import MORNING
from tests.notifications.test_lanes import registered

pytestmark = pytest.mark.django_db
NOW = MORNING + timedelta(hours=2)


@pytest.fixture
def feed():
    return factories.feed(seen_until=NOW)


@pytest.fixture
def device(feed):
    return factories.registered_device()


def told(device, **asked):
    stretch = Stretch(since=MORNING, until=NOW, span="6h")
    place = place_of(asked, stretch, KINDS)
    return timeline(history_of(device, stretch, place.end, NOW), place)


def test_a_strike_stands_at_its_deadline_above_its_push(device):
    factories.accepted_push(device, MORNING)
    settle(NOW)
    strike, push = told(device).rows
    assert (strike.title, strike.strike) == ("Strike 1", 1)
    assert strike.at == MORNING + timedelta(seconds=30.1)
    assert push.title == "VoIP push, did not wake"


def test_the_kind_of_event_can_be_chosen(device, feed):
    factories.accepted_push(device, MORNING)
    registered(device, feed, MORNING, expires=7200)
    assert len(told(device).rows) == 2
    assert [row.title for row in told(device, events="registrations").rows] == [
        "REGISTER, refreshed"
    ]
    assert [row.title[:4] for row in told(device, events="pushes").rows] == ["VoIP"]


def test_a_reset_shows_its_reason(device):
    Reset.objects.create(
        token=factories.token_of(device), at=MORNING, reason="new phone"
    )
    assert [row.detail for row in told(device).rows] == ["new phone"]


def test_a_moment_nobody_can_read_is_no_filter(device):
    factories.accepted_push(device, MORNING)
    assert len(told(device, before="nonsense").rows) == 1


@pytest.mark.parametrize(
    "before",
    [
        "2026-11-24T09:00:00+23:59",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:00:00-12:00",
    ],
)
def test_a_moment_that_postgresql_refuses_ends_no_page_and_breaks_none(device, before):
    factories.accepted_push(device, MORNING)
    assert isinstance(told(device, before=before).rows, list)


def test_a_beacon_stands_on_it_with_what_it_says(device):
    factories.sighting(device, MORNING, "beacon", call_id="c1")
    factories.sighting(device, MORNING + timedelta(minutes=1), "beacon")
    opened, woken = told(device).rows
    assert (opened.title, opened.detail) == (
        "Beacon of the app",
        "The app came to the foreground",
    )
    assert woken.detail == "Woken by Call-ID c1"
    assert told(device, events="pushes").rows == []


def test_of_old_beacons_those_of_the_week_before_are_looked_for(device):
    factories.sighting(device, MORNING - timedelta(days=8), "beacon")
    assert told(device).rows == []
    before = (MORNING - timedelta(days=7)).isoformat()
    assert len(told(device, before=before).rows) == 1


@pytest.mark.parametrize("kind", DeviceEvent.Kind.values)
def test_every_turning_point_stands_on_it(device, feed, kind):
    DeviceEvent.objects.create(
        device=device, kind=kind, moment=MORNING, feed=feed, position=1
    )
    (row,) = told(device).rows
    assert (row.title, row.detail) == EVENTS[kind]
    assert (row.at, row.icon) == (MORNING, "refresh-dot")


@pytest.mark.parametrize(("kind", "name"), [("voip", "VoIP"), ("remote", "Remote")])
def test_what_apns_said_of_either_token_stays_on_it(device, kind, name):
    token = factories.token_of(device, kind)
    changes = [
        ("valid", "quarantined", "BadDeviceToken"),
        ("quarantined", "valid", "a REGISTER carried it again"),
    ]
    for number, (before, after, reason) in enumerate(changes):
        TokenHealthChange.objects.create(
            token=token,
            at=MORNING + timedelta(minutes=number),
            before=before,
            after=after,
            reason=reason,
        )
    back, gone = told(device).rows
    assert (gone.title, gone.detail, gone.tone) == (
        f"{name} token: quarantined",
        "APNs said BadDeviceToken. "
        "The token is malformed, or of the other environment.",
        "bad",
    )
    assert (back.title, back.detail, back.tone) == (
        f"{name} token: valid",
        "a REGISTER carried it again",
        "ok",
    )


OLD, NEW = "a1" * 32, "c3" * 32


@pytest.mark.parametrize(
    ("kind", "before", "after", "words"),
    [
        (
            "reinstalled",
            {"instance_id": "urn:uuid:1"},
            {"instance_id": "urn:uuid:2"},
            "instance-id urn:uuid:1 → urn:uuid:2",
        ),
        (
            "reinstalled",
            {"instance_id": None},
            {"instance_id": "urn:uuid:2"},
            "instance-id none → urn:uuid:2",
        ),
        (
            "token_changed",
            {"voip": OLD},
            {"voip": NEW},
            "VoIP token a1a1a1…a1a1 → c3c3c3…c3c3",
        ),
        (
            "token_lost",
            {"remote": OLD},
            {"remote": None},
            "remote token a1a1a1…a1a1 → none",
        ),
        ("logged_out", {"bound": True}, {"bound": False}, "bound → not bound"),
        (
            "logged_out",
            {"voip": OLD, "remote": NEW},
            {"voip": None, "remote": None},
            "VoIP token a1a1a1…a1a1 → none, remote token c3c3c3…c3c3 → none",
        ),
    ],
)
def test_a_turning_point_shows_what_was_before_and_after(
    device, feed, kind, before, after, words
):
    DeviceEvent.objects.create(
        device=device,
        feed=feed,
        kind=kind,
        moment=MORNING,
        position=7,
        before=before,
        after=after,
    )
    (row,) = told(device).rows
    assert row.detail == f"{EVENTS[kind][1]} · {words}"


def test_a_turning_point_of_which_nothing_is_kept_says_what_it_means(device, feed):
    DeviceEvent.objects.create(
        device=device, feed=feed, kind="token_lost", moment=MORNING, position=7
    )
    (row,) = told(device).rows
    assert row.detail == EVENTS["token_lost"][1]


def titles(device, **asked) -> list[str]:
    return [row.title for row in told(device, **asked).rows]


@pytest.mark.parametrize(
    ("code", "title", "tone"),
    [
        (401, "REGISTER, only challenged (401)", "mute"),
        (403, "REGISTER, refused by the registrar (403)", "bad"),
        (None, "REGISTER, no answer seen", "mute"),
    ],
)
def test_what_the_registrar_answered_is_told(device, code, title, tone):
    factories.sighting(device, MORNING, kind="challenged", code=code)
    (row,) = told(device, events="registrations").rows
    assert (row.title, row.tone) == (title, tone)
    assert "proxy, byte" in row.detail


def test_the_challenge_of_a_register_that_was_accepted_is_no_line_of_its_own(
    device, feed
):
    registered(device, feed, MORNING, expires=7200)
    factories.sighting(device, MORNING, kind="challenged", code=401)
    other = MORNING + timedelta(minutes=1)
    factories.sighting(device, other, kind="challenged", code=401)
    assert titles(device) == ["REGISTER, only challenged (401)", "REGISTER, refreshed"]


def test_answers_and_dialogs_of_the_device_are_told(device):
    for minute, kind in enumerate(("dialog", "ended", "beacon")):
        moment = MORNING + timedelta(minutes=minute)
        factories.sighting(device, moment, kind=kind, call_id="c1")
    factories.sighting(device, MORNING, kind="answer", code=180, call_id="c1")
    factories.sighting(device, MORNING)
    assert set(titles(device)) == {
        "Beacon of the app",
        "End of a call (BYE)",
        "Its own call was answered",
        "SIP answer 180",
    }
    assert titles(device, events="pushes") == ["SIP answer 180"]


def test_a_binding_that_nobody_renewed_expires_by_time(device, feed):
    registered(device, feed, MORNING, expires=600)
    registered(device, feed, MORNING + timedelta(minutes=5), expires=600)
    registered(device, feed, MORNING + timedelta(minutes=20), expires=7200)
    (expired,) = [row for row in told(device).rows if "expired" in row.title]
    assert expired.at == MORNING + timedelta(minutes=15)
    assert "09:05:00" in expired.detail
    registered(device, feed, MORNING + timedelta(minutes=21), expires=60)
    registered(
        device, feed, MORNING + timedelta(minutes=21.5), kind="unregistered", expires=0
    )
    assert titles(device).count("Binding expired") == 1


def test_an_older_page_tells_of_the_same_expiry(device, feed):
    registered(device, feed, MORNING, expires=600)
    registered(device, feed, MORNING + timedelta(minutes=30), expires=7200)
    before = (MORNING + timedelta(minutes=20)).isoformat()
    assert titles(device, before=before).count("Binding expired") == 1
    before = (MORNING + timedelta(minutes=5)).isoformat()
    assert "Binding expired" not in titles(device, before=before)


def test_an_alert_shows_the_register_behind_it(device, feed):
    factories.accepted_push(device, MORNING, push_type="alert")
    registered(device, feed, MORNING + timedelta(seconds=2.1))
    row = told(device, events="pushes").rows[0]
    assert "REGISTER 2.0 s later: the app ran" in row.detail
    other = factories.registered_device()
    factories.accepted_push(other, MORNING, push_type="alert")
    registered(other, feed, MORNING + timedelta(seconds=40))
    assert "later" not in told(other, events="pushes").rows[0].detail


def test_an_overturned_verdict_is_told_with_its_push(device):
    push = factories.accepted_push(device, MORNING)
    settle(NOW)
    factories.sighting(device, MORNING + timedelta(seconds=2))
    settle(NOW)
    (row,) = [row for row in told(device).rows if "overturned" in row.title]
    assert row.title == "Verdict overturned: unhandled → handled"
    assert str(push.pk) in row.link and "A REGISTER followed" in row.detail
