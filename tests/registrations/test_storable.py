"""What is stored of a REGISTER is fit to show, however quickly that was seen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from registrations.sip import SipError, read_register
from registrations.storable import LONGEST_INDEXED, LONGEST_TOKEN, short, storable

ODD = st.sampled_from(["a", "%41", "%00", "\x1b", "\u202e", "é", "\r", "\t", " \r\n x"])
TEXT = st.one_of(
    st.lists(ODD, max_size=5).map("".join), st.just("b" * (LONGEST_TOKEN + 1))
)
#: With the dots before it.
LENGTH_OF_DIGEST = 17


def message(call_id: str, instance: str, token: str, agent: str) -> bytes:
    uri = f"sip:a@b;pn-provider=apns;pn-param=T.app.voip;pn-prid={token}"
    return (
        "REGISTER sip:b SIP/2.0\r\nTo: <sip:a@b>\r\nCSeq: 1 REGISTER\r\n"
        f'Call-ID: c{call_id}\r\nContact: <{uri}>;+sip.instance="<{instance}>"\r\n'
        f"User-Agent: {agent}\r\n\r\n"
    ).encode()


@given(TEXT, TEXT, TEXT, TEXT)
def test_all_that_is_shown_is_fit_to_show(call_id, instance, token, agent):
    raw = message(call_id, instance, token, agent)
    try:
        register = read_register(raw)
    except SipError:
        return
    stored = storable(register)
    contact = stored.contacts[0]
    push, tokens = contact.push, contact.push.tokens.values()
    shown = [stored.call_id, stored.user_agent, contact.uri, contact.instance_id]
    shown += [push.pn_prid, *tokens, *(problem.detail for problem in push.problems)]
    assert all((text or "").isprintable() for text in shown)
    names = [stored.call_id, contact.instance_id or ""]
    assert max(map(len, names)) <= LONGEST_INDEXED + LENGTH_OF_DIGEST
    assert max(map(len, tokens), default=0) <= LONGEST_TOKEN + LENGTH_OF_DIGEST


@given(st.lists(st.integers(0, LONGEST_TOKEN), max_size=4), st.integers(1, 230))
def test_a_token_that_is_too_long_is_seen_wherever_it_stands(sizes, size):
    around = [f"x{n}={'x' * length}" for n, length in enumerate(sizes)]
    around.insert(len(around) // 2, f"pn-prid={'b' * size}:voip")
    uri = f"sip:a@b;pn-provider=apns;pn-param=T.app.voip;{';'.join(around)}"
    raw = (
        "REGISTER sip:b SIP/2.0\r\nTo: <sip:a@b>\r\nCSeq: 1 REGISTER\r\nCall-ID: c\r\n"
        f"Contact: <{uri}>\r\n\r\n"
    ).encode()
    (contact,) = storable(read_register(raw)).contacts
    assert contact.tokens == {"voip": short("b" * size, LONGEST_TOKEN)}
