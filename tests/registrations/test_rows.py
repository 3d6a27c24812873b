"""A row is JSON of what was read, whatever a phone wrote."""

import json

import pytest

from registrations.answers import Waiting
from registrations.formats.record import Request
from registrations.rows import Rows
from registrations.sip import read_register

PUSH = "pn-provider=apns;pn-param=T.org.app.voip&remote"
MESSAGE = """REGISTER sip:e.org SIP/2.0
To: <sip:a@e.org>
Call-ID: "one\\
CSeq: 1 REGISTER
Contact: <sip:a@192.0.2.1;{};pn-prid={}>;+sip.instance="<urn:uuid:1>"

"""


@pytest.mark.parametrize(
    "pn_prid",
    [
        f"{'a' * 64}:voip&{'b' * 64}:remote",
        '"quoted":voip&back\\slash:remote',
        "%22quoted%22:voip&%5c:remote",
        "%00:voip&é:remote",
        "\x7f:voip&\x01:remote",
        "",
    ],
)
def test_a_row_says_what_was_read(pn_prid):
    raw = MESSAGE.format(PUSH, pn_prid).encode()
    register = read_register(raw)
    (contact,) = register.contacts
    row = json.loads(
        Rows().register(Waiting(Request(7, None, None, raw), register), "x")
    )
    (shown,) = row["contacts"]
    assert (row["position"], row["format"], row["call_id"]) == (7, "x", '"one\\')
    assert shown["uri"] == contact.uri
    assert shown["pn_prid"] == contact.push.pn_prid
    assert shown["tokens"] == contact.push.tokens
    assert [one["rule"] for one in shown["problems"]] == [
        problem.rule for problem in contact.problems
    ]
