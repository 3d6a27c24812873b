"""Which beacon is believed: read, its HMAC, its age; and how many are let in."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from notifications.beacon_limits import Limits, admit
from notifications.beacons import (
    Beacon,
    BeaconRefused,
    check,
    fingerprint_of,
    read_beacon,
    sign,
)

NOW = datetime(2026, 11, 27, 9, 0, 0, 500_000, tzinfo=UTC)
SECRETS = ["the newest", "the one before"]
BEACON = Beacon(
    bundle_id="org.example.phone",
    fingerprint=fingerprint_of("AB" * 32),
    call_id="c1@example.org",
    at=NOW - timedelta(seconds=2),
)


def said(**changed) -> bytes:
    values = {**json.loads(BEACON.line), "hmac": sign(SECRETS[0], BEACON), **changed}
    return json.dumps(values).encode()


def refused(beacon: Beacon) -> str:
    """Why it is; empty where it is believed."""
    try:
        check(beacon, SECRETS, NOW)
    except BeaconRefused as error:
        return error.error
    return ""


def signed(secret: str = SECRETS[0], **changed) -> Beacon:
    beacon = replace(BEACON, **changed)
    return replace(beacon, signature=sign(secret, beacon))


def test_what_an_app_says_is_read_and_believed():
    beacon = read_beacon(said())
    assert replace(beacon, signature="") == BEACON
    assert refused(beacon) == ""


def test_the_line_to_show_holds_no_signature():
    assert "hmac" not in BEACON.line
    assert BEACON.call_id in BEACON.line


@pytest.mark.parametrize("secret", SECRETS)
def test_the_newest_secret_and_the_one_before_work(secret):
    assert refused(signed(secret)) == ""


@pytest.mark.parametrize(
    "changed",
    [
        {"call_id": "another"},
        {"fingerprint": "0" * 64},
        {"at": NOW},
        {"signature": "0" * 64},
    ],
)
def test_a_signature_covers_token_call_and_time(changed):
    assert refused(replace(signed(), **changed)) == "forged"


def test_another_secret_forges():
    assert refused(signed("a third one")) == "forged"


@pytest.mark.parametrize(
    ("seconds", "why"), [(-300, ""), (-300.001, "stale"), (60, ""), (60.001, "stale")]
)
def test_a_beacon_is_five_minutes_old_at_most(seconds, why):
    assert refused(signed(at=NOW + timedelta(seconds=seconds))) == why


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"[]",
        b"[" * 100_000,
        said(at="1764234000000"),
        said(at=True),
        said(at=-1),
        said(at=10**30),
        said(at=1.5),
        said(token="ab"),
        said(token=None),
        said(hmac="g" * 64),
        said(call_id="a\nb"),
        said(call_id="x" * 256),
        said(call_id=None),
        said(app=["x"]),
        said(more="x" * 5000),
    ],
)
def test_what_is_no_beacon_is_refused_with_400(body):
    with pytest.raises(BeaconRefused) as error:
        read_beacon(body)
    assert (error.value.status, error.value.error) == (400, "unreadable")


def outcomes(app: int, devices: list[str], now: datetime = NOW) -> list[bool]:
    """For each beacon: was it let in?"""
    let_in = []
    for device in devices:
        try:
            admit(app, device, Limits(device=2, app=4), now)
        except BeaconRefused as error:
            assert (error.status, error.error) == (429, "limited")
            assert 0 < error.retry_after <= 60
            let_in.append(False)
        else:
            let_in.append(True)
    return let_in


def test_a_device_and_an_app_have_their_limit_a_minute():
    app = random.getrandbits(48)
    assert outcomes(app, ["a", "a", "a", "b"]) == [True, True, False, True]
    assert outcomes(app, ["c"]) == [False]
    assert outcomes(app, ["c"], NOW + timedelta(minutes=1)) == [True]
    assert outcomes(app + 1, ["a"]) == [True]


def test_without_redis_all_are_let_in(settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert outcomes(1, ["a"] * 3) == [True] * 3
