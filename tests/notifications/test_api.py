"""Programs ask for pushes over REST: what is stored, repeated, refused and told."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from notifications.api_pushes import KEPT
from notifications.api_tokens import give_token
from notifications.models import (
    ApiToken,
    App,
    AuditEntry,
    KeptAnswer,
    Push,
    Refusal,
    TokenHealth,
)
from registrations.models import Device
from tests.factories import BUNDLE_ID, app, registered_device, sandbox_credential
from tests.factories import token_of as held_by
from tests.notifications import people

PATH = "/api/v1/pushes"
NEW = "ab" * 32


def token_for(name: str, only: App | None = None) -> str:
    """A new API token. Its maker needs no group: transactional tests leave none."""
    maker, _ = User.objects.get_or_create(username="maker")
    return give_token(name, only, maker, timezone.now())


@pytest.fixture
def secret(db):
    sandbox_credential()
    return token_for("crm")


@pytest.fixture
def ask(client, secret):
    """One POST; its answer."""

    def send(body: dict | str, key: str | None = None, token: str = ""):
        headers = {"Authorization": f"Bearer {token or secret}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        return client.post(PATH, body, "application/json", headers=headers)

    return send


def test_a_push_to_a_device_is_queued_and_its_state_can_be_asked(ask, client, secret):
    device = registered_device()
    said = {"call_id": "c1", "from_uri": "sip:ann@example.org", "display_name": 'A "n"'}
    answer = ask({"type": "voip", "device": device.pk, **said})
    assert answer.status_code == 202
    push = Push.objects.get()
    assert (push.device, push.origin, push.state) == (device, "api", "queued")
    assert (push.call_id, push.payload["display-name"]) == ("c1", 'A "n"')
    assert push.api_token == ApiToken.objects.get()
    told = answer.json()
    assert told["id"] == str(push.pk)
    assert answer["Location"] == told["status_url"]
    headers = {"Authorization": f"Bearer {secret}"}
    state = client.get(told["status_url"], headers=headers).json()
    assert (state["id"], state["state"], state["final"]) == (
        told["id"],
        "queued",
        False,
    )
    assert held_by(device).token not in json.dumps(state)


def test_a_push_to_an_aor_reaches_every_bound_phone_and_names_those_it_cannot(ask):
    first, second = (registered_device("sip:bob@example.org") for _ in range(2))
    desk = registered_device("sip:bob@example.org")
    desk.holdings.update(current=False)
    registered_device("sip:bob@example.org", bundle_id="org.example.other")
    answer = ask({"type": "alert", "aor": "sip:bob@EXAMPLE.org", "loc_key": "HELLO"})
    assert answer.status_code == 202
    assert {push.device for push in Push.objects.all()} == {first, second}
    assert len(answer.json()["pushes"]) == 2
    assert len(answer.json()["not_sent"]) == 2
    assert Push.objects.first().payload["aps"]["alert"]["loc-key"] == "HELLO"


def test_a_message_names_its_chat_room(ask):
    room = "sip:chatroom-7@conf.example.org"
    wanted = {"type": "alert", "device": registered_device().pk}
    for more in ({}, {"kind": "group_chat"}):
        assert ask(wanted | more | {"chat_room": room}).status_code == 202
    rooms = [push.payload.get("chat-room-addr") for push in Push.objects.all()]
    assert rooms == [room, room]


def test_a_token_finds_its_device_and_a_new_one_is_learned(ask):
    device = registered_device()
    known = held_by(device).token.upper()
    assert ask({"type": "voip", "token": known}).status_code == 202
    assert Push.objects.get().device == device
    new = {"type": "background", "token": NEW}
    assert ask(new).json()["errors"][0]["field"] == "bundle_id"
    named = {"bundle_id": BUNDLE_ID, "environment": "sandbox"}
    assert ask(new | named).status_code == 202
    assert Device.objects.get(aor__startswith="unknown").is_learned


@pytest.mark.parametrize(
    ("said", "status", "field"),
    [
        ("{", 400, "body"),
        ("[]", 400, "body"),
        ({}, 422, "type"),
        ({"type": "call", "aor": "sip:a@b"}, 422, "type"),
        ({"type": "voip"}, 422, "device"),
        ({"type": "voip", "aor": "sip:a@b", "token": NEW}, 422, "token"),
        ({"type": "voip", "device": "7"}, 422, "device"),
        ({"type": "voip", "device": True}, 422, "device"),
        ({"type": "voip", "device": 2**70}, 422, "device"),
        ({"type": "voip", "device": 4711}, 422, "device"),
        ({"type": "voip", "aor": "sip:no@example.org"}, 422, "aor"),
        ({"type": "voip", "aor": ["x"]}, 422, "aor"),
        ({"type": "voip", "aor": "sip:a@b", "call_id": "\0"}, 422, "call_id"),
        ({"type": "voip", "token": "xyz"}, 422, "token"),
        ({"type": "voip", "aor": "sip:a@b", "bundle_id": "x"}, 422, "bundle_id"),
        ({"type": "voip", "aor": "sip:a@b", "colour": "red"}, 422, "colour"),
        ({"type": "voip", "aor": "sip:a@b", "loc_key": "X"}, 422, "loc_key"),
        ({"type": "voip", "aor": "sip:a@b", "chat_room": "X"}, 422, "chat_room"),
        ('{"type": "voip", "aor": "\\ud800"}', 422, "aor"),
        ('{"type": "voip", "\\ud800": 1}', 422, "?"),
    ],
)
def test_what_is_wrong_is_named_by_its_field_and_kept(ask, said, status, field):
    answer = ask(said)
    assert answer.status_code == status
    assert field in [fault["field"] for fault in answer.json()["errors"]]
    assert not Push.objects.exists()
    kept = Refusal.objects.get()
    assert (kept.door, kept.status, kept.by) == ("api", status, "crm")
    assert NEW not in json.dumps(kept.asked) + kept.why


def test_the_same_key_and_body_is_the_same_answer_and_one_push(ask):
    said = {"type": "voip", "device": registered_device().pk}
    first, second = ask(said, "k1"), ask(dict(reversed(said.items())), "k1")
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert second["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    ask(said, "k2")
    ask(said)
    assert Push.objects.count() == 3


def test_the_same_key_with_another_body_is_a_conflict(ask):
    device = registered_device()
    ask({"type": "voip", "device": device.pk}, "k1")
    answer = ask({"type": "alert", "device": device.pk}, "k1")
    assert answer.status_code == 409
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
    assert Push.objects.count() == 1


def test_a_key_is_kept_a_day_and_only_for_what_was_stored(ask):
    device = registered_device()
    assert ask({"type": "voip", "aor": "sip:no@example.org"}, "k1").status_code == 422
    said = {"type": "voip", "device": device.pk}
    assert ask(said, "k1").status_code == 202
    old = timezone.now() - KEPT - timedelta(seconds=1)
    KeptAnswer.objects.update(created_at=old)
    assert ask(said | {"type": "alert"}, "k1").status_code == 202
    assert KeptAnswer.objects.count() == 1


def test_a_key_belongs_to_its_token(ask):
    said = {"type": "voip", "device": registered_device().pk}
    other = token_for("other")
    ids = {ask(said, "k1").json()["id"], ask(said, "k1", token=other).json()["id"]}
    assert len(ids) == 2


@pytest.mark.parametrize("key", ["", "two words", "k" * 256])
def test_a_key_that_is_none_is_refused(ask, key):
    answer = ask({"type": "voip", "aor": "sip:a@b"}, key)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"


@pytest.mark.django_db(transaction=True)
def test_one_key_asked_many_times_at_once_is_one_push(ask):
    said = {"type": "voip", "device": registered_device().pk}

    def one(_) -> str:
        try:
            return ask(said, "k1").json()["id"]
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(one, range(12)))) == 1
    assert Push.objects.count() == 1


def test_a_token_of_one_app_pushes_to_it_and_sees_it_alone(ask, client):
    here, there = registered_device(), registered_device(bundle_id="org.example.b")
    people.credential_of(app("org.example.b", name="B"))
    only = token_for("only-b", app("org.example.b"))
    refused = ask({"type": "voip", "device": here.pk}, token=only)
    assert refused.status_code == 403
    assert "org.example.b alone" in refused.json()["error"]
    assert not Push.objects.exists()
    assert ask({"type": "voip", "device": there.pk}, token=only).status_code == 202
    other = ask({"type": "voip", "device": here.pk}).json()["status_url"]
    headers = {"Authorization": f"Bearer {only}"}
    assert client.get(other, headers=headers).status_code == 404


def test_without_a_token_or_with_a_revoked_one_nothing_is_asked(ask, client, secret):
    said = {"type": "voip", "device": registered_device().pk}
    bare = client.post(PATH, said, "application/json")
    assert (bare.status_code, bare["WWW-Authenticate"]) == (401, "Bearer")
    assert ask(said, token="wrong").status_code == 401
    ApiToken.objects.update(revoked_at=timezone.now())
    assert ask(said).status_code == 401
    assert not Push.objects.exists()
    assert {row.by for row in Refusal.objects.all()} == {""}
    assert secret not in json.dumps([row.asked for row in Refusal.objects.all()])


def test_other_methods_and_unknown_pushes_are_refused_in_json(client, secret):
    headers = {"Authorization": f"Bearer {secret}"}
    assert client.get(PATH, headers=headers).status_code == 405
    assert client.get(f"{PATH}/nonsense", headers=headers).status_code == 404
    answer = client.get(f"{PATH}/{'0' * 8}-0000-4000-8000-{'0' * 12}", headers=headers)
    assert answer.json()["errors"][0]["field"] == "id"


@pytest.mark.django_db
def test_an_admin_makes_a_token_that_is_shown_once_and_revokes_it():
    browser = people.browser_of("admin")
    page = browser.post("/settings/api-tokens/", {"name": "crm"})
    shown = page.content.decode().partition("<pre")[2].partition(">")[2]
    secret = shown.partition("<")[0]
    assert secret.startswith("pushdash_")
    assert "no-store" in page["Cache-Control"]
    row = ApiToken.objects.get()
    assert secret not in json.dumps(list(ApiToken.objects.values("name", "digest")))
    settings = browser.get("/settings/").content.decode()
    assert "crm" in settings
    assert secret not in settings
    assert browser.post("/settings/api-tokens/", {"name": "crm"}).status_code == 422
    browser.post(f"/settings/api-tokens/{row.pk}/revoke/")
    row.refresh_from_db()
    assert row.revoked_at is not None
    actions = [entry.action for entry in AuditEntry.objects.order_by("pk")]
    assert actions == ["token.give", "token.revoke"]
    assert secret not in json.dumps([one.detail for one in AuditEntry.objects.all()])


@pytest.mark.parametrize("state", ["quarantined", "wrong_topic"])
def test_a_token_in_quarantine_takes_a_call_but_no_message(ask, state):
    device = registered_device()
    for holding in device.holdings.all():
        TokenHealth.objects.create(
            token=holding.token, state=state, reason="BadDeviceToken", at=timezone.now()
        )
    assert ask({"type": "voip", "device": device.pk}).status_code == 202
    refused = ask({"type": "alert", "device": device.pk})
    assert refused.status_code == 422
    assert "Apple said BadDeviceToken" in refused.json()["error"]
