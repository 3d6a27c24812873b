"""The push-parameter grammar of Flexisip, every malformed case by its rule."""

from __future__ import annotations

import pytest

from registrations.sip import MalformedMessage, read_register

A, B = "A" * 64, "B" * 64
PARAM = "ABCD1234.org.example.app"


def contact_of(value: str, *, bare: str = ""):
    raw = (
        "REGISTER sip:example.org SIP/2.0\r\nTo: <sip:a@example.org>\r\nCall-ID: c\r\n"
        f"CSeq: 1 REGISTER\r\nm : {value}{bare}\r\n\r\n"
    )
    return read_register(raw.encode()).contacts[0]


def push(params: str):
    return contact_of(f"<sip:a@192.0.2.1;{params}>")


@pytest.mark.parametrize(
    ("params", "tokens", "rules"),
    [
        (f"pn-provider=apns;pn-param={PARAM}.voip&remote;pn-prid={A}:voip&{B}:remote",
         {"voip": A, "remote": B}, []),
        (f"pn-provider=apns;pn-param={PARAM}.voip&remote;pn-prid={B}:remote&{A}:voip",
         {"voip": A, "remote": B}, []),
        (f"pn-provider=apns;pn-param={PARAM}.voip%26remote;pn-prid={A}%3Avoip%26{B}%3Aremote",
         {"voip": A, "remote": B}, []),
        (f"pn-provider=apns.dev;pn-param={PARAM}.voip;pn-prid={A}", {"voip": A}, []),
        (f"pn-provider=apns;pn-param={PARAM};pn-prid={A}", {"remote": A}, []),
        (f"PN-Provider=apns;pn%2Dparam={PARAM}.voip;pn-prid={A}", {"voip": A}, []),
        (f"pn-provider=apns;pn-param={PARAM}.voip&remote;pn-prid={A}:voip&{B}",
         {"voip": A, "remote": B}, ["token_unlabelled"]),
        (f"pn-provider=apns;pn-param={PARAM}.voip&remote;pn-prid={A}:voip&",
         {"voip": A}, ["pn_prid_syntax", "token_count"]),
        (f"pn-provider=apns;pn-param={PARAM}.voip;pn-prid={A}:voip&{B}:remote",
         {"voip": A, "remote": B}, ["service_undeclared", "token_count"]),
        (f"pn-provider=apns;pn-param={PARAM}.voip;pn-prid={A}:voip&{B}:voip",
         {"voip": A}, ["token_twice", "token_count"]),
        (f"pn-provider=apns;pn-param={PARAM}.voip;pn-prid={A}:alert",
         {}, ["token_label"]),
        (f"pn-provider=apns;pn-param={PARAM}.voip;pn-prid=", {}, ["pn_prid_empty"]),
        (f"pn-provider=apns;pn-param={PARAM}.voip", {}, ["pn_prid_missing"]),
        (f"pn-provider=apns;pn-prid={A}", {"remote": A}, ["pn_param_missing"]),
        (f"pn-provider=apns;pn-param=nodots;pn-prid={A}", {"remote": A}, ["pn_param_syntax"]),
        (f"pn-provider=apple;pn-param={PARAM};pn-prid={A}", {}, ["pn_provider_unsupported"]),
        ("pn-provider=fcm;pn-param=proj;pn-prid=x:APA91", {}, []),
        (f"pn-provider=apns;pn-provider=fcm;pn-param={PARAM};pn-prid={A}",
         {"remote": A}, ["parameter_twice"]),
        (f"pn-provider=apns;pn-param={PARAM};pn-prid=short", {"remote": "short"},
         ["token_form"]),
        (f"app-id=org.example.app.prod;pn-type=apple;pn-tok={A}", {"remote": A}, []),
        (f"app-id=org.example.app.voip.dev;pn-type=apple;pn-tok={A}", {"voip": A}, []),
        ("app-id=org.example.app;pn-type=apple", {}, ["pn_tok_missing"]),
        (f"app-id=x;pn-type=carrier;pn-tok={A}", {}, ["pn_type_unsupported"]),
    ],
)  # fmt: skip
def test_each_form_gives_its_tokens_and_names_its_faults(params, tokens, rules):
    contact = push(params)
    assert contact.tokens == tokens
    assert sorted(problem.rule for problem in contact.problems) == sorted(rules)


def test_environment_and_bundle_follow_provider_and_param():
    contact = push(f"pn-provider=apns.dev;pn-param={PARAM}.voip;pn-prid={A}")
    assert (contact.environment, contact.bundle_id) == ("sandbox", "org.example.app")
    assert contact.team_id == "ABCD1234"
    legacy = push(f"app-id=org.example.app.dev;pn-type=apple;pn-tok={A}")
    assert (legacy.environment, legacy.bundle_id) == ("sandbox", "org.example.app")
    assert (legacy.pn_provider, legacy.pn_param, legacy.pn_prid) == (None, None, None)


def test_what_stands_outside_the_brackets_fills_nothing_and_is_named():
    contact = contact_of("<sip:a@192.0.2.1>", bare=f";pn-provider=apns;pn-prid={A}")
    assert (contact.pn_provider, contact.tokens) == (None, {})
    assert [problem.rule for problem in contact.problems] == ["outside_uri"]


def test_a_display_name_may_hold_anything():
    contact = contact_of(
        '"a, <sip:x;pn-prid=y>;expires=0 \\"" <sip:a@192.0.2.1>;expires=60'
    )
    assert (contact.uri, contact.expires) == ("sip:a@192.0.2.1", 60)


def test_a_message_cut_off_inside_a_contact_gives_an_error_with_its_rule():
    with pytest.raises(MalformedMessage) as caught:
        contact_of(f"<sip:a@192.0.2.1;pn-provider=apns;pn-prid={A[:20]}")
    assert caught.value.rule == "address_unclosed"


def test_expires_is_capped_and_the_parameter_wins_over_the_header():
    raw = (
        "REGISTER sip:example.org SIP/2.0\nTo: sip:A@EXAMPLE.org:5060;x=1\nCall-ID: c\n"
        "CSeq: 1 REGISTER\nExpires: 99999999999\nContact: <sip:a@b>,\n <sip:c@d>;expires=5\n\n"
    )
    register = read_register(raw.encode())
    assert register.aor == "sip:A@example.org"
    assert [contact.expires for contact in register.contacts] == [2**32 - 1, 5]
