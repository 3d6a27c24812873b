"""The simulated APNs, asked by a plain HTTP/2 client: the checklist of Apple's reasons."""

from __future__ import annotations

import asyncio
import json
import uuid

import pytest

from simulator.apns import ApnsServer
from simulator.checks import Choices
from simulator.directory import Entry
from simulator.tls import make_identity
from tests.apns import GONE, REMOTE, VOIP, Phones
from tests.plain_apns import Reply, post, provider_token, valid_headers

APP = {"environment": "production", "bundle_id": "org.example.app"}
EXPIRED, SANDBOX = "dd" * 32, "ee" * 32
SHORT, LONG = "ab" * 20, "ab" * 80


@pytest.fixture
def phones():
    phones = Phones()
    phones.entries |= {
        EXPIRED: Entry(
            kind="remote", status="expired", since_ms=1_650_000_000_000, **APP
        ),
        SANDBOX: Entry(
            environment="sandbox", bundle_id=APP["bundle_id"], kind="remote"
        ),
        SHORT: Entry(kind="remote", **APP),
        LONG: Entry(kind="remote", **APP),
    }
    return phones


@pytest.fixture
def ask(identity, phones):
    """POST one request to a fresh server; what is given replaces the valid default."""

    def run(
        headers: dict[str, str | None] | None = None,
        body: bytes | list[bytes] = b'{"aps":{}}',
        *,
        token: str = REMOTE,
        doubled: str = "",
        environments: tuple[str, ...] = ("production",),
        bundle_ids: frozenset[str] | None = None,
        choices: Choices | None = None,
    ) -> Reply:
        wanted = valid_headers(identity, token) | (headers or {})
        pairs = [(name, value) for name, value in wanted.items() if value is not None]
        pairs += [(doubled, wanted[doubled])] if doubled else []

        async def main() -> Reply:
            server = ApnsServer(
                phones, identity, environments, bundle_ids=bundle_ids, choices=choices
            )
            await server.start()
            try:
                pieces = body if isinstance(body, list) else [body]
                exchange = post(identity, server.port, pairs, pieces)
                return await asyncio.wait_for(exchange, 20)
            finally:
                await server.close()

        return asyncio.run(main())

    return run


def test_a_valid_push_is_accepted_with_its_own_apns_id_and_no_body(ask, phones):
    apns_id = str(uuid.uuid4())
    reply = ask({"apns-id": apns_id})
    assert (reply.status, reply.body) == (200, b"")
    assert reply.headers["apns-id"] == apns_id
    assert [delivery.apns_id for delivery in phones.delivered] == [apns_id]


def test_a_push_without_apns_id_gets_one(ask, phones):
    reply = ask({"apns-id": None})
    given = reply.headers["apns-id"]
    assert str(uuid.UUID(given)) == given
    assert phones.delivered[0].apns_id == given


def test_a_rejection_names_the_apns_id_too(ask, phones):
    apns_id = str(uuid.uuid4())
    reply = ask({"apns-id": apns_id}, token=GONE)
    assert (reply.status, reply.headers["apns-id"]) == (410, apns_id)
    assert phones.delivered == []


@pytest.mark.parametrize(
    ("headers", "status", "reason"),
    [
        ({"apns-id": "12345"}, 400, "BadMessageId"),
        ({":method": "GET"}, 405, "MethodNotAllowed"),
        ({":method": "PUT"}, 405, "MethodNotAllowed"),
        ({":path": "/2/device/aa"}, 404, "BadPath"),
        ({":path": "/3/device/"}, 400, "MissingDeviceToken"),
        ({":path": "/3/device/xyz"}, 400, "BadDeviceToken"),
        ({":path": "/3/device/abc"}, 400, "BadDeviceToken"),
        ({":path": "/3/device/" + "ab" * 500}, 400, "BadDeviceToken"),
        ({"apns-topic": None}, 400, "MissingTopic"),
        ({"apns-topic": "org example"}, 400, "BadTopic"),
        ({"apns-topic": "org.example.other"}, 400, "DeviceTokenNotForTopic"),
        ({"apns-topic": "org.example.app.voip"}, 400, "DeviceTokenNotForTopic"),
        ({"apns-push-type": "voip"}, 400, "BadTopic"),
        ({"apns-collapse-id": "x" * 65}, 400, "BadCollapseId"),
        ({"apns-collapse-id": "é" * 33}, 400, "BadCollapseId"),
        ({"apns-priority": "7"}, 400, "BadPriority"),
        ({"apns-priority": "high"}, 400, "BadPriority"),
        ({"apns-push-type": "background"}, 400, "BadPriority"),
        ({"apns-expiration": "tomorrow"}, 400, "BadExpirationDate"),
        ({"apns-push-type": "foo"}, 400, "InvalidPushType"),
    ],
)
def test_a_faulty_request_gets_apples_reason(ask, phones, headers, status, reason):
    reply = ask(headers)
    assert (reply.status, reply.reason) == (status, reason)
    assert phones.delivered == []


@pytest.mark.parametrize(
    "headers",
    [
        {"apns-collapse-id": "x" * 64},
        {"apns-priority": "10"},
        {"apns-priority": "5"},
        {"apns-priority": "1"},
        {"apns-priority": None},
        {"apns-expiration": "4102444800"},
        {"apns-expiration": "1"},
        {"apns-push-type": "background", "apns-priority": "5"},
        {"apns-push-type": "alert"},
        {"apns-push-type": "location"},
        {"apns-push-type": "complication"},
        {"apns-push-type": "fileprovider"},
        {"apns-push-type": "mdm"},
        {"apns-push-type": "liveactivity"},
        {"apns-push-type": "pushtotalk"},
    ],
)
def test_what_apple_allows_is_accepted(ask, headers):
    assert ask(headers).status == 200


@pytest.mark.parametrize("token", [SHORT, LONG, REMOTE.upper()])
def test_tokens_are_of_any_length_and_case(ask, token):
    assert ask(token=token).status == 200


def test_a_voip_push_to_a_voip_token_is_accepted_but_not_with_the_apps_topic(ask):
    assert ask(token=VOIP).status == 200
    headers = {"apns-topic": "org.example.app", "apns-push-type": "alert"}
    assert ask(headers, token=VOIP).reason == "DeviceTokenNotForTopic"


def test_a_token_of_the_other_environment_is_a_bad_device_token(ask):
    assert ask(token=SANDBOX).reason == "BadDeviceToken"
    assert ask(environments=("sandbox",)).reason == "BadDeviceToken"


def test_only_the_sandbox_gives_an_apns_unique_id(ask):
    both = ("production", "sandbox")
    assert "apns-unique-id" in ask(token=SANDBOX, environments=both).headers
    assert "apns-unique-id" not in ask(token=REMOTE, environments=both).headers


def test_a_topic_the_key_may_not_use_is_disallowed(ask):
    assert ask(bundle_ids=frozenset(["org.example.app"])).status == 200
    reply = ask(bundle_ids=frozenset(["org.example.other"]))
    assert (reply.status, reply.reason) == (400, "TopicDisallowed")


def test_12_a_foreign_topic_may_be_the_tokens_fault_as_in_pushy(ask):
    choices = Choices(foreign_topic="InvalidProviderToken")
    own = frozenset(["org.example.other"])
    reply = ask(bundle_ids=own, choices=choices)
    assert (reply.status, reply.reason) == (403, "InvalidProviderToken")


def test_18_a_background_push_at_ten_is_an_error_unless_it_is_allowed(ask):
    headers = {"apns-push-type": "background", "apns-priority": "10"}
    reply = ask(headers)
    assert (reply.status, reply.reason) == (400, "BadPriority")
    assert ask(headers, choices=Choices(refuses_background_at_ten=False)).status == 200


@pytest.mark.parametrize("reason", ["InvalidProviderToken", "ExpiredProviderToken"])
def test_36_a_provider_token_of_the_future_is_refused_as_chosen(ask, identity, reason):
    ahead = {"authorization": f"bearer {provider_token(identity, age=-7200)}"}
    reply = ask(ahead, choices=Choices(future_token=reason))
    assert (reply.status, reply.reason) == (403, reason)
    near = {"authorization": f"bearer {provider_token(identity, age=-30)}"}
    assert ask(near, choices=Choices(future_token=reason)).status == 200


@pytest.mark.parametrize("name", ["apns-priority", "apns-topic", "apns-id"])
def test_a_doubled_header_is_refused(ask, name):
    reply = ask(doubled=name)
    assert (reply.status, reply.reason) == (400, "DuplicateHeaders")


@pytest.mark.parametrize("body", [b"", b"no json", b"[1]"])
def test_an_empty_payload_is_refused(ask, body):
    reply = ask(body=body)
    assert (reply.status, reply.reason) == (400, "PayloadEmpty")


@pytest.mark.parametrize(("token", "limit"), [(REMOTE, 4096), (VOIP, 5120)])
def test_the_payload_has_apples_limits(ask, token, limit):
    assert ask(body=b'{"a":"%s"}' % (b"x" * (limit - 8)), token=token).status == 200
    reply = ask(body=b'{"a":"%s"}' % (b"x" * (limit - 7)), token=token)
    assert (reply.status, reply.reason) == (413, "PayloadTooLarge")


def test_a_body_in_several_padded_frames_is_one_payload(ask, phones):
    assert ask(body=[b'{"a', b'ps":', b'{"x":1}}']).status == 200
    assert phones.delivered[0].payload == {"aps": {"x": 1}}


@pytest.mark.parametrize("value", [None, "bearer", "Basic x"])
def test_no_provider_token_is_missing(ask, value):
    reply = ask({"authorization": value})
    assert (reply.status, reply.reason) == (403, "MissingProviderToken")


@pytest.mark.parametrize(
    "changes",
    [
        {"kid": "UNKNOWN123"},
        {"iss": "OTHERTEAM1"},
        {"iat": "yesterday"},
        {"age": -7200},
        {"algorithm": "HS256", "pem": "a secret of thirty-two bytes or more"},
        {"algorithm": "none"},
    ],
)
def test_a_false_provider_token_is_invalid(ask, identity, changes):
    token = provider_token(identity, **changes)
    reply = ask({"authorization": f"bearer {token}"})
    assert (reply.status, reply.reason) == (403, "InvalidProviderToken")


def test_a_malformed_provider_token_is_invalid(ask):
    assert ask({"authorization": "bearer a.b.c"}).reason == "InvalidProviderToken"


def test_the_signature_is_really_verified(ask, tmp_path):
    other = make_identity(tmp_path)
    reply = ask({"authorization": f"bearer {provider_token(other)}"})
    assert reply.reason == "InvalidProviderToken"


def test_a_provider_token_lives_an_hour(ask, identity):
    young = provider_token(identity, age=3500)
    assert ask({"authorization": f"bearer {young}"}).status == 200
    old = provider_token(identity, age=3700)
    reply = ask({"authorization": f"bearer {old}"})
    assert (reply.status, reply.reason) == (403, "ExpiredProviderToken")


@pytest.mark.parametrize(
    ("token", "reason", "since_ms"),
    [
        (GONE, "Unregistered", 1_700_000_000_000),
        (EXPIRED, "ExpiredToken", 1_650_000_000_000),
    ],
)
def test_a_gone_token_is_refused_with_the_moment_it_went(ask, token, reason, since_ms):
    reply = ask(token=token)
    assert reply.status == 410
    assert json.loads(reply.body) == {"reason": reason, "timestamp": since_ms}


def test_an_identity_is_made_once_and_kept(identity):
    again = make_identity(identity.folder)
    assert again == identity
    assert "BEGIN PRIVATE KEY" in again.key_pem
    assert (identity.folder / "AuthKey.p8").stat().st_mode & 0o077 == 0
