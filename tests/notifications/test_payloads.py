"""Payload templates: Flexisip's by default, filled without harm, checked for size."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from notifications.payloads import (
    DEFAULTS,
    TemplateError,
    Values,
    check,
    ending_text,
    filled,
    interval_of,
    size_of,
)

CONTACT = (
    "sip:bob@192.0.2.1;pn-msg-str=MY_MSG;PN-Call-Str=MY_CALL;pn-msg-snd=msg.caf;"
    "pn-call-remote-push-interval=5;pn-missing-call-str=Missed;transport=tls"
)


def values(**changes) -> Values:
    given = {
        "contact": CONTACT,
        "instance_id": "<urn:uuid:7>",
        "call_id": "c1",
        "from_uri": "sip:ann@example.org",
        "display_name": "Ann",
        "sent_at": datetime(2026, 11, 24, 9, 5, tzinfo=UTC),
        "ttl": 90,
    }
    return Values(**given | changes)


def test_the_default_of_a_call_is_what_liblinphone_waits_for():
    assert filled(DEFAULTS["call"], "call", values(contact="sip:b@h")) == {
        "aps": {
            "sound": "",
            "loc-key": "IC_MSG",
            "loc-args": ["Ann"],
            "call-id": "c1",
            "uuid": "<urn:uuid:7>",
            "send-time": "2026-11-24 09:05:00",
        },
        "from-uri": "sip:ann@example.org",
        "display-name": "Ann",
        "pn_ttl": 90,
        "customPayload": {},
    }


@pytest.mark.parametrize(
    ("kind", "loc_key"),
    [
        ("message", "MY_MSG"),
        ("group_chat", "GC_MSG"),
        ("call_alert", "MY_CALL"),
        ("call_end", "Missed"),
    ],
)
def test_an_alert_lets_the_extension_work_and_has_the_contacts_text(kind, loc_key):
    made = filled(DEFAULTS[kind], kind, values(chat_room="sip:room@example.org"))
    assert made["aps"]["alert"] == {"loc-key": loc_key, "loc-args": ["Ann"]}
    assert made["aps"]["mutable-content"] == 1
    assert (made["call-id"], made["chat-room-addr"]) == ("c1", "sip:room@example.org")


def test_a_wake_up_holds_content_available_alone():
    made = filled(DEFAULTS["wake"], "wake", values())
    assert made["aps"] == {"content-available": 1}


@pytest.mark.parametrize(
    "name",
    ['A "quoted" name', "{call-id}", "\\", "\x00\x07\u202e", "né 😀", '"}],"x":["'],
)
def test_a_display_name_is_text_whatever_it_holds(name):
    made = filled(DEFAULTS["message"], "message", values(display_name=name))
    assert json.loads(json.dumps(made)) == made
    assert made["aps"]["alert"]["loc-args"] == [name]
    assert made["call-id"] == "c1"


def test_a_template_of_ones_own_is_filled_amid_its_text():
    own = {"aps": {"alert": "{caller} calls ({call-id})", "category": "CALL"}, "n": [1]}
    made = filled(own, "call_alert", values(display_name=""))
    assert made["aps"]["alert"] == "sip:ann@example.org calls (c1)"
    assert (made["aps"]["category"], made["n"]) == ("CALL", [1])


@pytest.mark.parametrize(("kind", "limit"), [("call", 5120), ("message", 4096)])
def test_a_payload_larger_than_apple_takes_is_none(kind, limit):
    room = limit - size_of(filled(DEFAULTS[kind], kind, values(display_name="")))
    # The name stands twice, as display-name and in place of the address as caller.
    name = "x" * ((room + len("sip:ann@example.org")) // 2)
    assert size_of(filled(DEFAULTS[kind], kind, values(display_name=name))) <= limit
    with pytest.raises(TemplateError, match=f"Apple takes {limit}"):
        filled(DEFAULTS[kind], kind, values(display_name=name + "xx"))


@pytest.mark.parametrize(
    ("kind", "template", "words"),
    [
        ("call", [], "must be a JSON object"),
        ("call", {"aps": 1}, "must be a JSON object"),
        ("message", {"aps": {"sound": ""}}, "must hold an alert"),
        ("wake", {"aps": {"content-available": 1, "badge": 1}}, "alone"),
        ("call", {"aps": {}, "x": ["{colour}"]}, "no placeholder {colour}"),
    ],
)
def test_what_apple_would_not_take_is_refused_in_words(kind, template, words):
    with pytest.raises(TemplateError, match=words):
        check(template, kind)


@pytest.mark.parametrize("kind", DEFAULTS)
def test_the_defaults_pass_their_own_check(kind):
    check(DEFAULTS[kind], kind)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5", 5), ("0", 0), ("600", 30), ("-1", 0), ("x", 0), ("٣", 0), ("9" * 50, 0)],
)
def test_the_interval_is_that_of_the_contact_within_flexisips_bounds(text, seconds):
    assert interval_of(f"sip:a@b;pn-call-remote-push-interval={text}") == seconds


def test_the_last_text_of_a_call_is_the_contacts_or_flexisips():
    assert ending_text(CONTACT, "missed") == "Missed"
    assert ending_text(CONTACT, "accepted") == "Accepted elsewhere"
    assert ending_text(CONTACT, "declined") == "Declined elsewhere"
