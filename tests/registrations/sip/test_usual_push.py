"""What is read of a usual Contact URI in one step is what all the steps give."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registrations.sip import push_params
from registrations.sip.push_params import read_push_params
from tests.registrations.sip.test_register import REMOTE, VOIP

PRID = f"pn-prid={VOIP}:voip&{REMOTE}:remote"
PARAM = "pn-param=T.org.app.voip&remote"
USUAL = [
    f"sip:a@192.0.2.1:5060;transport=tls;pn-provider=apns;{PRID};{PARAM};pn-timeout=0",
    f"sip:a@192.0.2.1;{PRID};pn-provider=apns.dev;{PARAM};pn-silent=1;transport=tls",
    f"sips:a@host;pn-provider=apns;{PRID};pn-param=T.org.app.remote&voip",
]
PIECES = [
    *("sip:a@host", "SIP:a@host", "sip:host", "sip:a;b@host", "fax:a@host"),
    *(f";{one}" for one in (PRID, PRID.upper(), PRID[:-3], PRID + "&", PARAM)),
    ";pn-provider=apns",
    ";pn-provider=apns.dev",
    ";pn-provider=fcm",
    f";{PARAM}x",
    ";pn-param=T.org.app.voip",
    ";pn-param=T.org.app.voip&voip&remote",
    f";pn-param=T.{'b' * 250}.voip&remote",
    ";pn%2Dparam=x",
    ";app-id=org.app.prod",
    ";pn-tok=1",
    ";pn-timeout=0",
    ";pn-timeout=",
    ";pn-timeout=5s",
    ";pn-timeout=soon",
    ";pn-msg-str=" + "x" * 255,
    ";transport=tls",
    ";lr",
    ";x=é",
    *("?Subject=x", "@", "%", ";", "=", " "),
]


@pytest.mark.parametrize("uri", USUAL)
def test_one_step_reads_it(uri):
    found = push_params.USUAL.match(uri)
    push = push_params._usual(uri[found.end() :], *found.groups())
    assert push == push_params._judged(uri)
    assert push.tokens == {"voip": VOIP, "remote": REMOTE}


@settings(max_examples=500)
@given(st.data())
def test_one_step_gives_what_all_the_steps_give(data):
    if data.draw(st.booleans()):
        uri = "".join(data.draw(st.lists(st.sampled_from(PIECES), max_size=8)))
    else:
        uri = data.draw(st.sampled_from(USUAL))
        at = data.draw(st.integers(0, len(uri)))
        more = data.draw(st.sampled_from(PIECES + ["", "v", ":", "&"]))
        uri = uri[:at] + more + uri[at + data.draw(st.integers(0, 2)) :]
    assert read_push_params(uri) == push_params._judged(uri)
