"""Flexisip hands us a push: what is stored, what is folded, what is refused."""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from notifications.gateway import REPEAT_WINDOW
from notifications.gateway_keys import give_key
from notifications.models import (
    App,
    GatewayKey,
    Push,
    Refusal,
    TokenHealth,
)
from registrations.models import Device, PushToken
from tests.factories import BUNDLE_ID, registered_device, sandbox_credential, token_of

TOKEN = "ab" * 32


@pytest.fixture
def secret(db):
    sandbox_credential()
    return give_key("flexisip", [], timezone.now())


@pytest.fixture
def ask(client, secret):
    """One request of the URL form; its answer."""

    def send(token: str = TOKEN, *, key: str = "", address: str = "127.0.0.1", **said):
        values = {
            "app-id": f"{BUNDLE_ID}.voip.dev",
            "token": token,
            "call-id": "c1",
            "from-uri": "sip:ann@example.org",
            "to-uri": "sip:bob@example.org",
            "uid": '"<urn:uuid:1>"',
            **{name.replace("_", "-"): value for name, value in said.items()},
        }
        url = f"/gateway/{key or secret}/push/apple"
        return client.post(url, query_params=values, REMOTE_ADDR=address)

    return send


def test_a_push_for_a_known_token_goes_to_its_holder(ask):
    device = registered_device()
    assert ask(token_of(device).token).status_code == 200
    push = Push.objects.get()
    assert (push.device, push.token) == (device, token_of(device))
    assert (push.state, push.origin, push.call_id) == ("queued", "gateway", "c1")
    assert push.payload["aps"]["call-id"] == "c1"
    assert push.payload["from-uri"] == "sip:ann@example.org"


def test_the_called_one_of_two_accounts_on_a_phone_is_pushed(ask):
    first = registered_device("sip:bob@example.org")
    registered_device("sip:work@example.org", voip=token_of(first))
    ask(token_of(first).token)
    assert Push.objects.get().device == first


def test_a_token_never_seen_is_pushed_and_its_device_learned(ask):
    assert ask().status_code == 200
    device = Push.objects.get().device
    assert (device.aor, device.instance_id) == ("sip:bob@example.org", "urn:uuid:1")
    assert device.is_learned
    assert not device.bound
    assert not registered_device().is_learned


@pytest.mark.parametrize("state", ["quarantined", "retired", "wrong_topic"])
def test_a_token_in_trouble_is_tried_all_the_same(ask, state):
    device = registered_device()
    token = token_of(device)
    TokenHealth.objects.create(token=token, state=state, at=timezone.now())
    assert ask(token.token).status_code == 200


def test_a_repeated_request_is_one_push_with_a_count(ask):
    answers = {ask().content for _ in range(3)}
    assert len(answers) == 1
    assert Push.objects.get().repeats == 2


def test_another_call_another_token_and_a_later_request_are_pushes_of_their_own(ask):
    ask()
    ask(call_id="c2")
    ask("cd" * 32)
    Push.objects.update(
        created_at=timezone.now() - REPEAT_WINDOW - timedelta(seconds=1)
    )
    ask()
    assert Push.objects.count() == 4


def test_requests_without_a_call_id_are_never_folded(ask):
    for _ in range(2):
        assert ask(call_id="").status_code == 200
    assert Push.objects.count() == 2


@pytest.mark.parametrize(
    ("said", "status", "why"),
    [
        ({"key": "wrong"}, 403, "wrong secret"),
        ({"token": ""}, 400, "the token is missing"),
        ({"app_id": "org.example.none.voip.dev"}, 422, "no app is set up"),
        ({"app_id": f"{BUNDLE_ID}.voip.prod"}, 422, "no credential for production"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_its_reason_and_kept(
    ask, said, status, why
):
    answer = ask(**said)
    assert answer.status_code == status
    assert why in answer.content.decode()
    kept = Refusal.objects.get()
    assert (kept.status, why in kept.why) == (status, True)
    assert not Push.objects.exists()
    assert TOKEN not in json.dumps(kept.asked)


def test_neither_secret_nor_token_is_logged(ask, secret, caplog):
    with caplog.at_level(logging.DEBUG):
        ask()
        ask(app_id="nonsense")
        ask(key="another-secret")
    assert "gateway refused" in caplog.text
    for word in (secret, "another-secret", TOKEN):
        assert word not in caplog.text


def test_flexiapis_form_works_with_its_api_key(client, secret):
    said = {
        "pn_provider": "apns.dev",
        "pn_param": f"TEAM123456.{BUNDLE_ID}.voip",
        "pn_prid": TOKEN,
        "type": "call",
        "call_id": "c1",
    }
    url = "/flexiapi/api/push_notification"
    kind = "application/json"
    headers = {"x-api-key": secret}
    assert client.post(url, said, kind, headers=headers).status_code == 200
    assert Push.objects.get().device.aor == "unknown (ababab…abab)"
    assert client.post(url, said, kind).status_code == 403
    assert client.post(url, "{", kind, headers=headers).status_code == 400
    assert client.get(url, headers=headers).status_code == 405


def test_a_key_with_networks_works_from_there_only(ask):
    key = give_key("elsewhere", ["192.0.2.0/24"], timezone.now())
    assert ask(key=key, address="198.51.100.1").status_code == 403
    assert ask(key=key, address="").status_code == 403
    assert ask(key=key, address="192.0.2.7").status_code == 200


def test_a_key_is_changed_without_a_gap(ask, secret):
    out = StringIO()
    call_command("gateway_key", "next", stdout=out)
    new = out.getvalue().strip()
    assert ask(key=new).status_code == ask().status_code == 200
    call_command("gateway_key", "flexisip", revoke=True)
    assert ask().status_code == 403
    assert ask(key=new).status_code == 200
    assert new not in str(GatewayKey.objects.values())
    with pytest.raises(CommandError):
        call_command("gateway_key", "next", networks=["nowhere"])


@pytest.mark.django_db(transaction=True)
def test_copies_that_come_at_once_are_one_push(ask):
    def one(_) -> int:
        try:
            return ask().status_code
        finally:
            connection.close()

    PushToken.objects.all().delete()
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(one, range(16))) == {200}
    assert Push.objects.get().repeats == 15
    assert (App.objects.count(), Device.objects.count()) == (1, 1)
