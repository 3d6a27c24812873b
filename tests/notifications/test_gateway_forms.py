"""Flexisip's two forms of a push request, read."""

from __future__ import annotations

import json

import pytest

from notifications.gateway_forms import (
    Refused,
    asked_by_json,
    asked_by_url,
    values_of,
    variables_of,
)

TOKEN = "ab" * 32
VALUES = {
    "type": "apple",
    "token": TOKEN.upper(),
    "app-id": "org.example.app.voip.prod",
    "from-name": "Ann%20%22A%22+1",
    "from-uri": "sip%3Aann%40example.org",
    "from-tag": "t1",
    "to-uri": "sip%3Abob%40Example.ORG%3Btransport%3Dtls",
    "call-id": "c%2F1",
    "event": "call",
    "uid": "%22%3Curn%3Auuid%3A1%3E%22",
    "msgid": "m1",
    "sound": "s.caf",
}
QUERY = "&".join(f"{name}={value}" for name, value in VALUES.items())
PATH = "/".join(f"{name}={value}" for name, value in VALUES.items())
SHORT = (
    f"app={VALUES['app-id']}&token={TOKEN}&event=call&call-id={VALUES['call-id']}"
    f"&from={VALUES['from-uri']}&from-name={VALUES['from-name']}"
    f"&to={VALUES['to-uri']}&uid={VALUES['uid']}"
)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("", QUERY),
        (PATH, ""),
        ("push/apple", SHORT),
        ("hook/apple/", QUERY.replace("type=apple&", "").replace("-", "_")),
        (f"token={TOKEN}/app-id={VALUES['app-id']}", SHORT.partition("&event=")[2]
         and "event=call&" + SHORT.partition("&event=call&")[2]),
    ],
)  # fmt: skip
def test_every_variable_is_understood_wherever_it_is_placed(path, query):
    asked = asked_by_url(variables_of(path, query))
    assert asked.token == TOKEN
    assert (asked.bundle_id, asked.environment) == ("org.example.app", "production")
    assert (asked.push_type, asked.kind, asked.call_id) == ("voip", "voip", "c/1")
    assert (asked.from_name, asked.from_uri) == ('Ann "A"+1', "sip:ann@example.org")
    assert (asked.to_uri, asked.instance_id) == ("sip:bob@example.org", "urn:uuid:1")


@pytest.mark.parametrize(
    ("app_id", "push_type", "environment"),
    [
        ("org.example.app.voip.dev", "voip", "sandbox"),
        ("org.example.app.dev", "alert", "sandbox"),
        ("org.example.app.prod", "alert", "production"),
    ],
)
def test_the_app_id_tells_type_and_environment(app_id, push_type, environment):
    asked = asked_by_url({"app-id": app_id, "token": TOKEN})
    assert (asked.push_type, asked.environment) == (push_type, environment)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"type": "firebase"}, "not an Apple push"),
        ({"app-id": ""}, "app-id must end"),
        ({"app-id": "org.example.app"}, "app-id must end"),
        ({"token": ""}, "the token is missing"),
        ({"token": "xyz"}, "the token is not hex"),
    ],
)
def test_what_cannot_be_a_push_says_which(changes, why):
    with pytest.raises(Refused, match=why) as refused:
        asked_by_url({"app-id": "org.example.app.prod", "token": TOKEN, **changes})
    assert refused.value.status == 400


def by_json(**changes):
    said = {
        "pn_provider": "apns",
        "pn_param": "TEAM123456.org.example.app.voip",
        "pn_prid": TOKEN,
        "type": "call",
        "call_id": "c1",
        **changes,
    }
    return asked_by_json(values_of(json.dumps(said).encode()))


@pytest.mark.parametrize(
    ("changes", "push_type", "token"),
    [
        ({}, "voip", TOKEN),
        ({"pn_prid": f"{TOKEN.upper()}:voip"}, "voip", TOKEN),
        ({"pn_prid": f"{TOKEN}:voip&{'cd' * 32}:remote"}, "voip", TOKEN),
        (
            {
                "pn_param": "TEAM123456.org.example.app.voip&remote",
                "pn_prid": f"{TOKEN}:voip&{'cd' * 32}:remote",
                "type": "message",
            },
            "alert",
            "cd" * 32,
        ),
        ({"pn_param": "T.org.example.app", "type": "message"}, "alert", TOKEN),
        ({"pn_param": "T.org.example.app", "type": "background"}, "background", TOKEN),
        ({"type": None, "call_id": None}, "voip", TOKEN),
    ],
)
def test_flexiapis_json_is_understood(changes, push_type, token):
    asked = by_json(**changes)
    assert (asked.push_type, asked.token) == (push_type, token)
    assert (asked.bundle_id, asked.environment) == ("org.example.app", "production")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"[" * 100_000, b"\xff"])
def test_a_body_that_is_no_json_object_is_refused(body):
    with pytest.raises(Refused, match="no JSON"):
        values_of(body)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"pn_provider": "fcm"}, "pn_provider"),
        ({"pn_param": "TEAM"}, "pn_param"),
        ({"pn_prid": None}, "the token is missing"),
    ],
)
def test_json_that_is_no_apple_push_says_why(changes, why):
    with pytest.raises(Refused, match=why):
        by_json(**changes)
