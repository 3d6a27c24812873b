"""What Flexisip logs of a Contact when it has to push to it: every rule, in its own order."""

from __future__ import annotations

import pytest

from notifications.consequences import CONSEQUENCES
from registrations.sip import read_contact, refusal_of
from tests.registrations.sip.test_register import REMOTE, VOIP

IN_URI = "invalid RFC8599 push parameters in request uri, "
IN_VALUES = "invalid RFC8599 push parameters, "
LEGACY = "invalid legacy push parameters in request uri: "
NONE = "no push parameters found in the request uri"
PRID = IN_VALUES + "syntax of 'pn-prid' is invalid"
PARAM = IN_VALUES + "syntax of 'pn-param' is invalid"
MISMATCH = IN_VALUES + "service mismatch between 'pn-param' and 'pn-prid'"
BOTH = f"{VOIP}:voip&{REMOTE}:remote"


def counts(services: int, tokens: int) -> str:
    return (
        f"{IN_VALUES}'pn-param' declares {services} service(s), "
        f"whereas there is/are {tokens} token(s) in pn-prid"
    )


def apns(param: str, prid: str) -> str:
    return f"pn-provider=apns;pn-param={param};pn-prid={prid}"


#: The rule we name, the parameters, the words; "" where a push goes out.
TABLE = [
    ("", apns("T.a.voip&remote", BOTH), ""),
    ("", apns("T.a.voip", VOIP), ""),
    ("", apns("T.a.voip%26remote", BOTH.replace(":", "%3A")), ""),
    ("", "pn-provider=fcm;pn-param=p;pn-prid=a:b", ""),
    ("", "pn-type=apple;app-id=org.a.prod;pn-tok=" + VOIP, ""),
    ("", "pn-type=google;app-id=a;pn-tok=b", ""),
    ("", "transport=tls", NONE),
    ("pn_provider_missing", f"pn-param=T.a;pn-prid={REMOTE}", NONE),
    (
        "pn_provider_unsupported",
        "pn-provider=apple;pn-param=T.a;pn-prid=b",
        "provider [apple] not supported",
    ),
    (
        "pn_provider_unsupported",
        "pn-provider;pn-param=T.a;pn-prid=b",
        IN_URI + "no 'pn-provider' found",
    ),
    ("pn_prid_missing", "pn-provider=apns", IN_URI + "no 'pn-prid' found"),
    ("pn_prid_missing", "pn-provider=fcm", IN_URI + "no 'pn-prid' found"),
    ("pn_prid_empty", apns("T.a", ""), IN_URI + "no 'pn-prid' found"),
    ("pn_param_missing", "pn-provider=apns;pn-prid=b", IN_URI + "no 'pn-param' found"),
    ("pn_param_missing", "pn-provider=wp;pn-prid=b", IN_URI + "no 'pn-param' found"),
    ("pn_param_missing", apns("", "b"), IN_URI + "no 'pn-param' found"),
    ("pn_param_syntax", apns("T", f"{VOIP}:voip&"), PARAM),
    ("pn_prid_syntax", apns("T.a.voip", f"{VOIP}:voip&"), counts(1, 2)),
    ("pn_prid_syntax", apns("T.a.voip&remote", f"{VOIP}:voip&"), PRID),
    ("pn_prid_syntax", apns("T.a.voip", ":voip"), PRID),
    ("token_count", apns("T.a.voip", BOTH), counts(1, 2)),
    ("token_count", apns("T.a.voip&remote", f"{VOIP}:voip"), counts(2, 1)),
    ("token_unlabelled", apns("T.a.voip&remote", f"{VOIP}:voip&{REMOTE}"), PRID),
    ("token_unlabelled", apns("T.a.voip", f"{VOIP}&{REMOTE}"), counts(1, 2)),
    ("token_label", apns("T.a.voip", f"{VOIP}:VOIP"), PRID),
    ("service_undeclared", apns("T.a.voip", f"{REMOTE}:remote"), MISMATCH),
    ("service_undeclared", apns("T.a", f"{VOIP}:voip"), MISMATCH),
    ("token_twice", apns("T.a.voip&remote", f"{VOIP}:voip&{REMOTE}:voip"), ""),
    ("token_form", apns("T.a.voip", "abc:voip"), ""),
    ("pn_param_services", apns("T.a.voip&voip", f"{VOIP}:voip"), ""),
    ("pn_param_services", apns("T.a.voipremote", f"{VOIP}:voip"), MISMATCH),
    ("pn_param_services", apns("T.a.voipremote", BOTH), counts(1, 2)),
    ("pn_param_services", apns("T.a.voip&remote&", BOTH), counts(3, 2)),
    ("token_form", apns("T.a", "b" * 254), ""),
    ("value_too_long", apns("T." + "a" * 253, REMOTE), PARAM),
    ("value_too_long", apns("T.a.voip&remote", BOTH + "b" * 200), counts(2, 1)),
    (
        "value_too_long",
        f"pn-provider={'a' * 255};pn-param=T.a;pn-prid=b",
        "provider [] not supported",
    ),
    ("parameter_twice", apns("T.a", REMOTE) + ";pn-prid", ""),
    (
        "pn_timeout",
        apns("T.a", REMOTE) + ";pn-timeout=x",
        "Invalid 'pn-timeout' value: x",
    ),
    ("pn_timeout", apns("T.a", "") + ";pn-timeout=x", IN_URI + "no 'pn-prid' found"),
    ("pn_tok_missing", "pn-type=apple;app-id=a", NONE),
    ("pn_tok_missing", "pn-type=apple;app-id=a;pn-tok=", LEGACY + "no 'pn-tok' found"),
    ("app_id_missing", "pn-type=apple;pn-tok=b", LEGACY + "no 'app-id' found"),
    ("pn_type_missing", "pn-tok=b", LEGACY + "no 'pn-type' found"),
    (
        "pn_type_unsupported",
        "pn-type=other;app-id=a;pn-tok=b",
        "legacy provider type [other] not supported",
    ),
]


@pytest.mark.parametrize(("rule", "params", "words"), TABLE)
def test_flexisip_says_what_fails_first_of_its_checks(rule, params, words):
    uri = f"sip:alice@192.0.2.1:5060;{params}"
    assert refusal_of(uri) == words
    rules = [problem.rule for problem in read_contact(f"<{uri}>").problems]
    assert not rule or rule in rules
    assert rule == "value_too_long" or "value_too_long" not in rules


def test_parameters_outside_the_brackets_are_none():
    contact = read_contact(f"<sip:a@b>;{apns('T.a.voip', VOIP)}")
    assert [problem.rule for problem in contact.problems] == ["outside_uri"]
    assert refusal_of(contact.uri) == NONE


def test_the_table_has_every_rule_of_the_push_parameters():
    assert set(CONSEQUENCES) - {"outside_uri"} == {rule for rule, *_ in TABLE} - {""}
