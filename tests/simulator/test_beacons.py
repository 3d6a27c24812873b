"""Apps of the rehearsal that post beacons: what they say, and that pushdash believes it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from notifications.beacons import check, fingerprint_of, read_beacon
from simulator import beacons
from simulator.beacons import PLACE, Speaker, Spoken, body_of
from simulator.phone import Phone
from simulator.population import ACME, LINPHONE
from simulator.stage import Stage
from tests.simulator.test_stage import NOW, delivery, set_up


def phone_of(stage: Stage, bundle_id: str) -> Phone:
    """A sound phone with this app."""
    return next(
        phone
        for phone in list(stage.fleet.phones.values())[20:]
        if phone.bundle_id == bundle_id and phone.weight and not phone.is_kiosk
    )


def spoken_at(stage: Stage, at: datetime) -> list[Spoken]:
    """What is said up to then, of calls."""
    said = []
    stage.speaker.say = said.extend
    stage.tick(at)
    return [one for one in said if one.call_id]


def pushed(stage: Stage, phone: Phone, push_type: str = "voip") -> None:
    facts = delivery(phone.voip_token, NOW)
    payload = {"aps": {"call-id": "c1"}}
    stage.deliver(
        type(facts)(
            **{name: getattr(facts, name) for name in facts.__slots__}
            | {"payload": payload, "push_type": push_type}
        )
    )


def test_an_app_says_which_call_woke_it_and_pushdash_believes_it(tmp_path):
    stage = set_up(tmp_path)
    phone = phone_of(stage, ACME)
    pushed(stage, phone)
    (one,) = spoken_at(stage, NOW + timedelta(seconds=20))
    assert (one.bundle_id, one.call_id) == (ACME, "c1")
    beacon = read_beacon(body_of(one, "a secret"))
    woken = datetime.fromtimestamp(one.at_ms / 1000, UTC)
    check(beacon, ["a secret"], woken + timedelta(seconds=2))
    assert beacon.fingerprint == fingerprint_of(phone.voip_token)
    assert NOW < woken < NOW + timedelta(seconds=10)


def test_the_other_app_and_what_is_no_call_say_nothing(tmp_path):
    stage = set_up(tmp_path)
    pushed(stage, phone_of(stage, LINPHONE))
    pushed(stage, phone_of(stage, ACME), "background")
    assert spoken_at(stage, NOW + timedelta(seconds=20)) == []


def test_what_is_said_goes_where_the_demo_says_and_a_refusal_ends_nothing(
    tmp_path, monkeypatch, caplog
):
    posted = []

    def urlopen(request, timeout):
        posted.append(request.full_url)
        raise ConnectionRefusedError("nobody there")

    monkeypatch.setattr(beacons.urllib.request, "urlopen", urlopen)
    speaker = Speaker(tmp_path)
    one = Spoken(bundle_id=ACME, token="AA", call_id="c1", at_ms=1)
    speaker.say([one])
    told = {"url": "http://127.0.0.1:1/api/v1/beacons", "secrets": {ACME: "s"}}
    (tmp_path / PLACE).write_text(json.dumps(told))
    other = Spoken(bundle_id=LINPHONE, token="BB", call_id="c2", at_ms=1)
    speaker.say([other, one, one])
    speaker._thread.shutdown()
    assert posted == [told["url"]] * 2
    assert "beacon not taken" in caplog.text
