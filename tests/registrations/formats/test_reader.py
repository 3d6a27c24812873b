"""What holds for every format: pieces of any size, bounded memory, a place to resume."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registrations.formats import UnknownFormat, open_format
from registrations.formats.record import Pulse
from tests.registrations.formats import (
    test_asterisk,
    test_flexisip,
    test_flexisip_events,
    test_kamailio,
    test_linphone,
    test_logcat,
    test_opensips,
    test_sipdump,
    test_xlog,
)
from tests.registrations.formats.carriers import carried

KAMAILIO = (
    test_kamailio.announced()
    + test_kamailio.announced(test_kamailio.MESSAGE[:60], 140)
    + b"\n"
    + test_kamailio.announced(b"", 50)
    + test_kamailio.announced()
    + test_kamailio.line("end")
)
FLEXISIP = (
    test_flexisip.old("") + test_flexisip.new() + test_flexisip.reply("0x1a")
).encode()
PLAIN = (
    b"\r\n" + test_kamailio.MESSAGE + test_kamailio.MESSAGE[:40] + b"\r\n"
) + test_kamailio.MESSAGE * 2
XLOG = (
    test_kamailio.line(test_xlog.told("<sip:a@b>\r\n ;q=1\r\n\t;expires=9"))
    + test_kamailio.line(test_xlog.told(call_id="two"))
    + KAMAILIO
    + test_kamailio.line(test_xlog.told(call_id="three", ua='" contact='))
)
SIPDUMP = "".join(
    test_sipdump.block(message)
    for message in (
        test_sipdump.register(),
        "",
        test_sipdump.answer(),
        test_sipdump.register("two", end="l: 4\r\n\r\nabcd"),
        test_sipdump.register("three", end="X: " + test_sipdump.block("", pid=1)),
    )
).encode()
ASTERISK = (
    test_asterisk.pjsip()
    + test_asterisk.sent()
    + test_asterisk.chan_sip()
    + test_asterisk.pjsip(test_asterisk.MESSAGE[:60])
    + test_asterisk.pjsip(date="x" * 9)
)
LINPHONE = b"".join(
    one(lambda text: f"2026-11-23 19:23:18:926 belle-sip-message-{text}\n".encode())
    for one in (test_linphone.sent, test_linphone.received, test_linphone.sent)
)
OPENSIPS = (
    test_opensips.line(test_xlog.told())
    + test_opensips.line("from udp:1.2.3.4:5")
    + test_asterisk.MESSAGE
    + test_opensips.line("x")
    + test_asterisk.ANSWER
)
EVENTS = "".join(
    test_flexisip_events.line(event, agent=agent)
    for event in ("Registered", "Registration expired", "Unregistered")
    for agent in ("", "X/2.0", "x SIP/2.0", "<sip:a@b> (sip:c@d)")
).encode()
LOGCAT = (
    test_logcat.sent("threadtime")
    + test_logcat.received("threadtime")
    + test_logcat.sent("Android Studio")
    + test_logcat.log("threadtime", "x")
).encode()
LOGS = {
    "logcat": LOGCAT,
    "flexisip-events": EVENTS,
    "asterisk": ASTERISK,
    "linphone": LINPHONE,
    "opensips": OPENSIPS,
    "sipdump": SIPDUMP,
    "kamailio": KAMAILIO,
    "kamailio lines": XLOG,
    "flexisip": FLEXISIP,
    "plain": PLAIN,
    "json+kamailio": carried(KAMAILIO, "docker"),
    "cri+flexisip": carried(FLEXISIP, "cri"),
    "syslog+asterisk": carried(ASTERISK, "syslog"),
}
NAMES = st.sampled_from(list(LOGS.items()))


def opened(name: str | None, position: int = 0):
    return open_format(name and name.split()[0], position=position)


def fed(log: bytes, name: str | None, cuts: list[int]):
    reader, records = opened(name), []
    for start, end in zip([0, *cuts], [*cuts, len(log)], strict=True):
        records += reader.feed(log[start:end])
    records += reader.end()
    return [record for record in records if not isinstance(record, Pulse)]


@pytest.mark.parametrize("name", LOGS)
def test_one_byte_at_a_time_gives_the_same_records(name):
    log = LOGS[name]
    whole = fed(log, None, [])
    assert len(whole) >= 3
    assert fed(log, None, list(range(1, len(log)))) == whole
    assert fed(log, name, list(range(1, len(log)))) == whole


@settings(max_examples=60)
@given(NAMES, st.lists(st.integers(0, 4000), max_size=6))
def test_pieces_of_any_size_give_the_same_records(named, cuts):
    name, log = named
    cuts = sorted(min(cut, len(log)) for cut in cuts)
    assert fed(log, name, cuts) == fed(log, name, [])


@settings(max_examples=60)
@given(NAMES, st.integers(0, 4000))
def test_a_restart_at_the_resume_position_loses_nothing(named, cut):
    name, log = named
    first = opened(name)
    before = first.feed(log[:cut])
    again = opened(name, position=first.resume_position)
    after = again.feed(log[first.resume_position :]) + again.end()
    seen = [r for r in [*before, *after] if not isinstance(r, Pulse)]
    whole = fed(log, name, [])
    assert {r.position for r in whole} <= {r.position for r in seen}


@settings(max_examples=60)
@given(st.sampled_from([None, *LOGS]), st.binary(max_size=400))
def test_no_bytes_whatever_break_a_reader(name, junk):
    reader = opened(name)
    assert isinstance(reader.feed(junk) + reader.end(), list)


@pytest.mark.parametrize("name", [None, *LOGS])
@pytest.mark.parametrize(
    "head", [b"", b"REGISTER sip:a SIP/2.0\r\n", test_kamailio.announced(b"", 999_999)]
)
def test_bytes_without_end_do_not_stay_in_memory(name, head):
    reader = opened(name)
    reader.feed(head)
    for _ in range(40):
        reader.feed(b"x" * 100_000)
    inner = reader
    while getattr(inner, "_reader", None) is not None:
        inner = inner._reader
    held = inner._head if inner.form is None else inner._data
    assert len(held) < 1_500_000


def test_a_plain_file_can_hold_several_messages_with_bodies():
    body = b"l: 4\r\n\r\nabcd"
    one = test_kamailio.MESSAGE.replace(b"\r\n\r\n", b"\r\n" + body)
    assert [r.position for r in fed(one * 3, "plain", [])] == [
        0,
        len(one),
        2 * len(one),
    ]


def test_a_name_we_do_not_have_lists_those_we_have():
    with pytest.raises(UnknownFormat, match="flexisip, kamailio, .*plain"):
        open_format("radius")
