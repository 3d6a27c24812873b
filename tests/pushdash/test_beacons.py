"""An app posts a beacon: evidence of its phone, refused and counted where it is none."""

from __future__ import annotations

import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.utils import timezone

from notifications.beacon_limits import Limits
from notifications.beacon_secrets import make_secret
from notifications.beacons import Beacon, fingerprint_of, sign
from notifications.handling import rebuild, settle
from notifications.models import App, Call, Ledger
from registrations.beacons import Word, store
from registrations.models import Feed, Sighting
from tests import factories
from tests.factories import BUNDLE_ID, accepted_push, registered_device, token_of

SAMPLE = re.compile(r"```python\n(?P<code>.*?)```", re.DOTALL)
DOCS = Path(__file__).resolve().parents[2] / "docs" / "beacons.md"


@pytest.fixture
def secret(db) -> str:
    factories.feed(seen_until=timezone.now())
    return make_secret(factories.app(), timezone.now())


@pytest.fixture
def say(client, secret):
    """One beacon of the device, `ago` seconds old; the answer's status and error."""

    def said(device, call_id: str = "c1", ago: float = 0, key: str = "", **changed):
        beacon = Beacon(
            bundle_id=BUNDLE_ID,
            fingerprint=fingerprint_of(token_of(device).token),
            call_id=call_id,
            at=timezone.now() - timedelta(seconds=ago),
        )
        beacon = replace(beacon, **changed)
        body = json.loads(beacon.line) | {"hmac": sign(key or secret, beacon)}
        answer = client.post("/api/v1/beacons", body, content_type="application/json")
        return answer.status_code, answer.json().get("error", "")

    return said


def counts() -> dict[str, int]:
    return dict(App.objects.get().beacons.values_list("outcome", "count"))


def call_of(push) -> Call:
    return Call.objects.get(call_id=push.call_id)


def test_a_beacon_makes_its_push_handled_and_is_the_proof(say):
    now = timezone.now()
    device = registered_device()
    push = accepted_push(device, now - timedelta(seconds=5), call_id="c1")
    assert say(device, ago=3) == (200, "")
    settle(now)
    call = call_of(push)
    assert (call.verdict, call.rule) == ("handled", "beacon")
    assert call.wake_time.total_seconds() == pytest.approx(1.9, abs=0.3)
    assert call.evidence["feed"] == "app beacons"
    assert call.evidence["file"] == "POST /api/v1/beacons"
    assert json.loads(call.evidence["line"])["call_id"] == "c1"
    assert counts() == {"accepted": 1}


def test_the_device_was_last_seen_when_it_spoke_and_never_in_the_future(say):
    device = registered_device()
    device.last_seen_at = timezone.now() - timedelta(hours=1)
    device.save()
    say(device, ago=3)
    device.refresh_from_db()
    seen_at = device.last_seen_at
    assert timezone.now() - seen_at < timedelta(seconds=30)
    say(device, call_id="c2", ago=60)
    device.refresh_from_db()
    assert device.last_seen_at == seen_at
    say(device, call_id="c3", ago=-30)
    device.refresh_from_db()
    assert seen_at < device.last_seen_at <= timezone.now()


def test_one_that_arrives_late_overturns_to_the_verdict_it_would_have_given(say):
    now = timezone.now()
    device = registered_device()
    push = accepted_push(device, now - timedelta(seconds=200), call_id="c1")
    Feed.objects.update(seen_until=now)
    settle(now)
    assert call_of(push).verdict == "unhandled"
    assert Ledger.objects.get(token=push.token).strikes == 1
    say(device, at=now - timedelta(seconds=198))
    settle(now)
    call = call_of(push)
    assert (call.verdict, call.rule) == ("handled", "beacon")
    assert call.wake_time.total_seconds() == pytest.approx(1.9, abs=0.01)
    assert Ledger.objects.get(token=push.token).strikes == 0
    assert rebuild(now).judged == []


def test_it_may_come_before_the_push_is_recorded(say):
    now = timezone.now()
    device = registered_device()
    say(device, ago=3)
    settle(now)
    push = accepted_push(device, now - timedelta(seconds=5), call_id="c1")
    settle(now)
    assert call_of(push).rule == "beacon"


@pytest.mark.parametrize("ago", [100, -40])
def test_a_phone_whose_clock_is_off_proves_its_push_all_the_same(say, ago):
    """The push left 5 s ago; by the phone's clock it woke before that, or is yet to."""
    now = timezone.now()
    device = registered_device()
    push = accepted_push(device, now - timedelta(seconds=5), call_id="c1")
    assert say(device, ago=ago) == (200, "")
    settle(now)
    assert call_of(push).rule == "beacon"
    assert call_of(push).wake_time < timedelta(seconds=10)


def test_an_app_in_the_foreground_is_exempt_and_one_woken_by_a_call_is_not(say):
    now = timezone.now()
    for call_id, rule in (("", "foreground"), ("another", "no_proof")):
        device = registered_device()
        push = accepted_push(device, now - timedelta(seconds=40))
        assert say(device, call_id, ago=50) == (200, "")
        Feed.objects.update(seen_until=now)
        settle(now)
        assert call_of(push).rule == rule


def test_it_holds_no_verdict_and_asks_for_nobody(say):
    device = registered_device()
    say(device)
    now = timezone.now() + timedelta(hours=3)
    Feed.objects.exclude(kind="beacon").update(seen_until=now)
    push = accepted_push(device, now - timedelta(minutes=2), call_id="c9")
    settle(now)
    assert call_of(push).verdict == "unhandled"


def test_what_is_not_believed_changes_nothing_and_is_counted(say):
    device, stranger = registered_device(), "0" * 64
    assert say(device, key="guessed") == (403, "forged")
    assert say(device, ago=301) == (422, "stale")
    assert say(device, ago=-61) == (422, "stale")
    assert say(device, fingerprint=stranger) == (404, "unknown_token")
    assert say(device, bundle_id="org.example.other") == (404, "unknown_app")
    assert not Sighting.objects.exists()
    assert counts() == {"forged": 1, "stale": 2, "unknown_token": 1}


def test_a_repeated_one_is_refused(say):
    device, at = registered_device(), timezone.now()
    assert say(device, at=at) == (200, "")
    assert say(device, at=at) == (409, "repeated")
    assert Sighting.objects.count() == 1
    assert counts() == {"accepted": 1, "repeated": 1}


def test_beyond_the_limit_one_is_refused_and_counted(say, monkeypatch):
    monkeypatch.setattr("pushdash.beacons.Limits", lambda: Limits(device=1, app=9))
    device = registered_device()
    assert say(device) == (200, "")
    assert say(device) == (429, "limited")
    assert say(registered_device()) == (200, "")
    assert counts() == {"accepted": 2, "limited": 1}


def test_a_token_of_two_accounts_is_found_by_its_index(say):
    device = registered_device()
    registered_device(voip=token_of(device))
    assert say(device) == (200, "")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT 1 FROM registrations_pushtoken WHERE kind = 'voip'"
            r" AND sha256(replace(token, '\', '\\')::bytea) = '\x00'"
        )
        assert "pushtoken_by_fingerprint" in str(cursor.fetchall())


def test_only_a_post_is_taken(client, secret):
    assert client.get("/api/v1/beacons").status_code == 405
    answer = client.post("/api/v1/beacons", b"{", content_type="application/json")
    assert (answer.status_code, answer.json()["error"]) == (400, "unreadable")


@pytest.mark.django_db(transaction=True)
def test_one_stored_beside_another_is_never_passed_over():
    """The first is told before the second though it commits later: the second waits for it."""
    now = timezone.now()
    factories.feed(seen_until=now)
    slow, quick = registered_device(), registered_device()
    for device in (slow, quick):
        accepted_push(device, now - timedelta(seconds=5), call_id=f"c{device.pk}")
    is_stored, may_commit = threading.Event(), threading.Event()

    def stored(device, stays_open: bool) -> None:
        word = Word(
            bundle_id=BUNDLE_ID,
            fingerprint=fingerprint_of(token_of(device).token),
            call_id=f"c{device.pk}",
            at=now - timedelta(seconds=3),
            heard_at=now,
            line="{}",
        )
        with transaction.atomic():
            store(word)
            if stays_open:
                is_stored.set()
                may_commit.wait(10)
        connection.close()

    stored(registered_device(), False)  # makes feed and partition
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(stored, slow, True)
        assert is_stored.wait(10)
        second = pool.submit(stored, quick, False)
        wait([second], 0.5)
        settle(now)
        may_commit.set()
        wait([first, second])
    settle(now)
    assert set(Call.objects.values_list("rule", flat=True)) == {"beacon"}


@pytest.mark.django_db(transaction=True)
def test_of_copies_posted_at_once_one_is_taken_by_the_documented_sample(base_url):
    """The Python of `docs/beacons.md`, as it stands there, against a running server."""
    sample: dict = {}
    exec(SAMPLE.search(DOCS.read_text())["code"], sample)
    factories.feed(seen_until=timezone.now())
    secret = make_secret(factories.app(), timezone.now())
    token = token_of(registered_device()).token.upper()
    body = sample["beacon"](BUNDLE_ID, token, "c1", secret)

    def post(_: int) -> int:
        try:
            return sample["post"](body, base_url)
        except sample["urllib"].error.HTTPError as error:
            return error.code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(post, range(4))) == [200, 409, 409, 409]
    assert Sighting.objects.get().kind == "beacon"
