"""The push parameters of a Contact, by the grammar of Flexisip (SIP.md §1, §B)."""

import pytest

from tests.registrations.sip.test_register import REMOTE, VOIP, only_contact


def contact_with(params: str):
    return only_contact(f"<sip:alice@192.0.2.1:50412;{params};transport=tls>")


def apns(param: str, prid: str, provider: str = "apns"):
    return contact_with(f"pn-provider={provider};pn-param={param};pn-prid={prid}")


def rules(contact) -> list[str]:
    return [problem.rule for problem in contact.problems]


BOTH = {"voip": VOIP, "remote": REMOTE}


@pytest.mark.parametrize(
    ("param", "prid", "tokens"),
    [
        ("T.org.app.voip&remote", f"{VOIP}:voip&{REMOTE}:remote", BOTH),
        ("T.org.app.remote&voip", f"{VOIP}:voip&{REMOTE}:remote", BOTH),
        ("T.org.app.voip&remote", f"{REMOTE}:remote&{VOIP}:voip", BOTH),
        ("T.org.app.voip%26remote", f"{VOIP}%3Avoip%26{REMOTE}%3Aremote", BOTH),
        ("T.org.app.voip", VOIP, {"voip": VOIP}),
        ("T.org.app.voip", f"{VOIP}:voip", {"voip": VOIP}),
        ("T.org.app.remote", REMOTE, {"remote": REMOTE}),
        ("T.org.app", REMOTE, {"remote": REMOTE}),
    ],
)
def test_well_formed_apns_parameters_give_tokens_as_sent(param, prid, tokens):
    contact = apns(param, prid)
    assert contact.tokens == tokens
    assert (contact.push.pn_provider, contact.push.pn_param, contact.push.pn_prid) == (
        "apns",
        param,
        prid,
    )
    assert (contact.push.team_id, contact.bundle_id) == ("T", "org.app")
    assert (contact.environment, rules(contact)) == ("production", [])


def test_apns_dev_is_the_sandbox():
    contact = apns("T.org.app", REMOTE, "apns.dev")
    assert (contact.environment, contact.tokens) == ("sandbox", {"remote": REMOTE})


@pytest.mark.parametrize(
    ("param", "prid", "rule", "tokens"),
    [
        ("T.a.voip&remote", f"{VOIP}:voip&{REMOTE}", "token_unlabelled", BOTH),
        ("T.a.voip&remote", f"{VOIP}&{REMOTE}:remote", "token_unlabelled", BOTH),
        ("T.a.voip&remote", f"{VOIP}&{REMOTE}", "token_unlabelled", {}),
        ("T.a.voip", f"{VOIP}:voip&", "pn_prid_syntax", {"voip": VOIP}),
        ("T.a.voip", f"{VOIP}:voip&{REMOTE}:remote", "token_count", BOTH),
        ("T.a.voip&remote", f"{VOIP}:voip", "token_count", {"voip": VOIP}),
        ("T.a.voip", f"{REMOTE}:remote", "service_undeclared", {"remote": REMOTE}),
        ("T.a.voip", f"{VOIP}:voip&{REMOTE}:voip", "token_twice", {"voip": VOIP}),
        ("T.a.voip", f"{VOIP}:VOIP", "token_label", {}),
        ("T.a.voip", ":voip", "pn_prid_syntax", {}),
        ("T.a.voip", "", "pn_prid_empty", {}),
        ("T.a.voip", "abc:voip", "token_form", {"voip": "abc"}),
        ("T", f"{VOIP}:voip", "pn_param_syntax", {"voip": VOIP}),
        (".a", f"{VOIP}:voip", "pn_param_syntax", {"voip": VOIP}),
        ("T.a.voip&voip", f"{VOIP}:voip", "pn_param_services", {"voip": VOIP}),
        ("T.a.voipremote", f"{VOIP}:voip", "pn_param_services", {"voip": VOIP}),
        ("T.a." + "b" * 256, REMOTE, "value_too_long", {"remote": REMOTE}),
    ],
)
def test_what_flexisip_refuses_is_named_and_salvaged(param, prid, rule, tokens):
    contact = apns(param, prid)
    assert rule in rules(contact)
    assert contact.tokens == tokens


def test_an_empty_token_is_one_of_those_flexisip_counts():
    contact = apns("T.a.voip&remote", f"{VOIP}:voip&")
    assert (rules(contact), contact.tokens) == (["pn_prid_syntax"], {"voip": VOIP})


@pytest.mark.parametrize("provider", ["apple", "APNS", "firebase", "apns-sandbox", ""])
def test_a_provider_of_another_name_is_not_supported(provider):
    contact = apns("T.a.voip", f"{VOIP}:voip", provider)
    assert rules(contact) == ["pn_provider_unsupported"]
    assert contact.push.pn_provider == provider
    assert (contact.tokens, contact.environment) == ({}, None)


def test_an_fcm_token_stays_whole():
    contact = apns("project-1", "abc:APA91b", "fcm")
    assert (contact.push.pn_prid, contact.tokens) == ("abc:APA91b", {})
    assert (contact.environment, contact.problems) == (None, [])


def test_names_are_compared_unescaped_without_case_and_the_first_counts():
    contact = contact_with(
        f"PN-Provider=apns;pn-para%6D=T.a;pn-prid={REMOTE};pn-prid={VOIP}"
    )
    assert (contact.push.pn_provider, contact.push.pn_param) == ("apns", "T.a")
    assert contact.tokens == {"remote": REMOTE}
    assert rules(contact) == ["parameter_twice"]


def test_parameters_outside_brackets_fill_nothing_and_are_named():
    contact = only_contact(f"<sip:a@b>;pn-provider=apns;pn-prid={VOIP}")
    assert (contact.push.pn_provider, contact.push.pn_prid, contact.tokens) == (
        None,
        None,
        {},
    )
    assert rules(contact) == ["outside_uri"]


def test_other_schemes_have_no_push_parameters():
    contact = only_contact(f"<tel:+1;pn-provider=apns;pn-prid={VOIP}>")
    assert (contact.push.pn_provider, contact.tokens) == (None, {})


@pytest.mark.parametrize(
    ("missing", "rule"),
    [
        ("pn-provider=apns;pn-param=T.a", "pn_prid_missing"),
        ("pn-provider=apns;pn-prid=abc", "pn_param_missing"),
        ("pn-param=T.a;pn-prid=abc", "pn_provider_missing"),
        ("app-id=a;pn-tok=abc", "pn_type_missing"),
        ("pn-type=apple;pn-tok=abc", "app_id_missing"),
        ("pn-type=apple;app-id=a", "pn_tok_missing"),
    ],
)
def test_a_missing_parameter_is_named(missing, rule):
    assert rule in rules(contact_with(missing))


def test_a_parameter_without_value_is_empty_not_absent():
    contact = contact_with("pn-provider=fcm;pn-prid")
    assert (contact.push.pn_prid, contact.push.pn_param) == ("", None)
    assert rules(contact) == ["pn_param_missing", "pn_prid_empty"]


@pytest.mark.parametrize("provider", ["fcm", "wp", "wp10"])
@pytest.mark.parametrize(
    ("params", "broken"),
    [
        ("pn-param=p;pn-prid=abc:def", []),
        ("pn-param=p", ["pn_prid_missing"]),
        ("pn-prid=abc", ["pn_param_missing"]),
        ("pn-param;pn-prid=", ["pn_param_missing", "pn_prid_empty"]),
    ],
)
def test_other_providers_need_both_parameters_too(provider, params, broken):
    assert rules(contact_with(f"pn-provider={provider};{params}")) == broken


@pytest.mark.parametrize(
    ("value", "is_sound"),
    [
        ("0", True),
        ("30", True),
        ("-1", True),
        ("%205", True),
        ("5s", True),  # C++'s stoi reads the 5
        ("", True),
        ("soon", False),
        ("s5", False),
        ("-", False),
        ("2147483648", False),
    ],
)
def test_a_timeout_that_is_no_number_is_named(value, is_sound):
    contact = contact_with(
        f"pn-provider=apns;pn-param=T.a;pn-prid={REMOTE};pn-timeout={value}"
    )
    assert rules(contact) == ([] if is_sound else ["pn_timeout"])
    assert contact.tokens == {"remote": REMOTE}


@pytest.mark.parametrize(
    "name", ["pn-call-str", "pn-msg-snd", "pn-timeout", "pn-missing-call-str"]
)
def test_every_push_parameter_fits_into_flexisips_buffer(name):
    sound = f"pn-provider=apns;pn-param=T.a;pn-prid={REMOTE};{name}="
    assert rules(contact_with(sound + "1" * 9)) == []
    assert rules(contact_with(sound + "1" * 255)) == ["value_too_long"]
    assert rules(contact_with(sound.replace("1", "é") + "é" * 128)) == [
        "value_too_long"
    ]


def test_where_nothing_is_said_of_push_nothing_is_wrong_with_it():
    assert rules(contact_with("pn-timeout=soon")) == []


@pytest.mark.parametrize(
    ("app_id", "bundle", "environment", "kind"),
    [
        ("fr.bc-appId.prod", "fr.bc-appId", "production", "remote"),
        ("fr.bc-appId.test.dev", "fr.bc-appId.test", "sandbox", "remote"),
        ("fr.bc-appId.test", "fr.bc-appId.test", "production", "remote"),
        ("org.linphone.phone.voip.prod", "org.linphone.phone", "production", "voip"),
        ("org.linphone.phone.voip.dev", "org.linphone.phone", "sandbox", "voip"),
    ],
)
def test_legacy_apple_parameters_map_as_the_sending_side_does(
    app_id, bundle, environment, kind
):
    contact = contact_with(f"app-id={app_id};pn-type=apple;pn-tok={VOIP}")
    assert (contact.bundle_id, contact.environment) == (bundle, environment)
    assert contact.tokens == {kind: VOIP}
    push = contact.push
    assert (push.pn_provider, push.pn_param, push.pn_prid) == (None,) * 3
    assert rules(contact) == []


@pytest.mark.parametrize("kind", ["firebase", "android", "google"])
def test_legacy_parameters_of_others_give_no_token(kind):
    contact = contact_with(f"app-id=fr.a;pn-type={kind};pn-tok=abc:def")
    assert (contact.bundle_id, contact.tokens, contact.environment) == (
        "fr.a",
        {},
        None,
    )
    assert rules(contact) == []


def test_a_legacy_type_nobody_knows_is_refused():
    contact = contact_with("app-id=fr.a;pn-type=other;pn-tok=abc")
    assert rules(contact) == ["pn_type_unsupported"]
