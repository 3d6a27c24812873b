"""sofia-sip's dumps, as FreeSWITCH, drachtio and Flexisip print them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registrations.formats import detect, open_format
from registrations.formats.record import Answer, Pulse, Request
from registrations.formats.stamps import Stamps
from registrations.sip import read_register
from tests.registrations.formats.carriers import carried
from tests.registrations.formats.printed import DASHES, PRINTED
from tests.registrations.logs import register

MESSAGE = register(call_id="one").replace("\n", "\r\n").encode()
LOGGER = b"2026-07-01 08:00:00:001 flexisip-debug-"
REPLY = b"SIP/2.0 200 OK\r\nCall-ID: one\r\nCSeq: 20 REGISTER\r\n\r\n"
STAMP = b"2026-11-23 14:40:16.544855 "
OWN = STAMP + b"tport.c:2769 tport_wakeup_pri() tport_wakeup_pri(0x55): events IN\n"


def head(verb: bytes, text: bytes) -> bytes:
    way = b"from" if verb == b"recv" else b"to"
    where = b"udp/[203.0.113.7]:50412 at 14:40:16.544553:\n"
    return b"%b %d bytes %b %b" % (verb, len(text), way, where)


def drachtio(verb: bytes, text: bytes, end: bytes = b"\r\n") -> bytes:
    """A dump without dashes and without indent."""
    shown = text.replace(b"\r\n", end)
    return STAMP + head(verb, text) + shown + b"\n" + OWN


def freeswitch(
    verb: bytes, text: bytes, colour: bytes = b"", each: bytes = b""
) -> bytes:
    """`colour`: in front of the first line, `each`: of the others."""
    lines = b"".join(each + b"   " + line + b"\n" for line in text.split(b"\r\n")[:-1])
    dashes = each + DASHES
    return colour + head(verb, text) + dashes + lines + dashes


def fed(log: bytes, name: str | None = None, cuts=()) -> list:
    reader, records = open_format(name, Stamps(UTC)), []
    for start, end in zip([0, *cuts], [*cuts, len(log)], strict=True):
        records += reader.feed(log[start:end])
    records += reader.end()
    return [record for record in records if not isinstance(record, Pulse)]


def whole(log: bytes, name: str | None = None) -> Request:
    """The request of a log that holds one and its answer."""
    request, answer = fed(log, name)
    read = read_register(request.raw)
    assert (read.call_id, answer.status) == ("one", 200)
    assert read.contacts == read_register(MESSAGE).contacts
    assert request.source == "udp:203.0.113.7:50412"
    return request


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_drachtio_prints_a_message_without_dashes_at_a_full_time(end):
    log = OWN + drachtio(b"recv", MESSAGE, end) + drachtio(b"send", REPLY, end)
    assert detect(log) == "sofia"
    at = datetime(2026, 11, 23, 14, 40, 16, 544855, UTC)
    assert whole(log).at == at


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_a_phone_forges_no_dump_of_drachtios(end):
    forged = STAMP + head(b"recv", MESSAGE)[:-1] + b"\r\n" + MESSAGE
    text = MESSAGE.replace(b"\r\nContact", b"\r\nX: 1\r\n" + forged + b"\r\nContact")
    first = drachtio(b"recv", text, end)
    records = fed(first + drachtio(b"recv", MESSAGE, end))
    assert [one.position for one in records] == [0, len(first)]


def test_a_size_that_is_wrong_hides_no_message():
    wrong = drachtio(b"recv", MESSAGE).replace(b"recv ", b"recv 1")
    ids = [one.position for one in fed(wrong + drachtio(b"recv", MESSAGE))]
    assert ids == [0, len(wrong)]


@pytest.mark.parametrize(
    ("colour", "each"),
    [(b"\x1b[m\x1b[m", b""), (b"\x1b[33m", b"\x1b[33m"), (b"vm \x1b[0m", b"")],
)
def test_freeswitchs_colours_hide_nothing(colour, each):
    parts = (b"recv", MESSAGE), (b"send", REPLY)
    log = b"".join(freeswitch(*part, colour, each) for part in parts)
    assert detect(log) == "sofia"
    assert whole(log).at is None
    for carrier in ("docker", "cri"):
        assert whole(carried(log, carrier)).at is not None


def test_a_coloured_line_of_a_message_is_no_header():
    line = b"X: " + head(b"recv", MESSAGE)[:-1] + b"\r\nExpires"
    log = freeswitch(b"recv", MESSAGE.replace(b"Expires", line, 1), b"", b"\x1b[33m")
    assert [type(one) for one in fed(log)] == [Request]


@pytest.mark.parametrize("blank", [b"", b" "])
def test_flexisips_logger_prefixes_each_line_with_a_blank_or_without(blank):
    prefix = LOGGER + blank
    log = freeswitch(b"recv", MESSAGE) + freeswitch(b"send", REPLY)
    log = b"".join(prefix + line for line in log.splitlines(keepends=True))
    assert whole(log, "sofia").at == datetime(2026, 7, 1, 8, 0, 0, 1000, UTC)


def in_flexisip(dump: bytes) -> bytes:
    return b"".join(LOGGER + line for line in dump.splitlines(keepends=True))


RECEIVED = in_flexisip(freeswitch(b"recv", MESSAGE))
DUMPED = RECEIVED + in_flexisip(freeswitch(b"send", REPLY))
START = (LOGGER + b"Starting flexisip-proxy version 2.3\n") * 20
QUIET = in_flexisip(freeswitch(b"recv", b"\r\n\r\n")) * 9


@pytest.mark.parametrize("log", [DUMPED, RECEIVED, START + DUMPED])
def test_dumps_are_all_that_such_a_log_has_of_messages(log):
    reader = open_format(None, Stamps(UTC))
    records = reader.feed(log) + reader.end()
    assert reader.form.name == "sofia"
    assert sum(isinstance(one, Request) for one in records) == 1


@pytest.mark.parametrize("before", [b"", RECEIVED, START, QUIET])
def test_where_flexisip_prints_them_itself_dumps_are_left_alone(before):
    log = before + PRINTED["flexisip"](MESSAGE) + DUMPED
    reader = open_format(None, Stamps(UTC))
    records = reader.feed(log) + reader.end()
    assert reader.form.name == "flexisip"
    assert sum(isinstance(one, Request) for one in records) == 1


@pytest.mark.parametrize(("log", "name"), [(b"", "flexisip"), (RECEIVED, "sofia")])
def test_what_shows_no_more_is_known_soon_and_its_time_at_once(log, name):
    reader = open_format(None, Stamps(UTC))
    (pulse,) = reader.feed(log + START)
    assert pulse == Pulse(0, datetime(2026, 7, 1, 8, 0, 0, 1000, UTC))
    assert reader.form is None
    reader.feed(START * 200)
    assert reader.form.name == name


@given(st.lists(st.integers(0, 6_000), max_size=6))
def test_what_flexisip_dumps_is_found_out_in_pieces_of_any_size(cuts):
    log = START + QUIET + DUMPED * 2
    cuts = sorted(min(cut, len(log)) for cut in cuts)
    assert fed(log, None, cuts) == fed(log, "sofia")


@given(
    st.lists(
        st.tuples(
            st.sampled_from([drachtio, freeswitch]),
            st.sampled_from([(b"recv", MESSAGE), (b"send", REPLY)]),
            st.binary(max_size=20),
        ),
        min_size=1,
        max_size=5,
    ),
    st.lists(st.integers(0, 6_000), max_size=6),
)
def test_pieces_of_any_size_give_the_same(dumps, cuts):
    log = b"".join(show(*what) + noise for show, what, noise in dumps)
    cuts = sorted(min(cut, len(log)) for cut in cuts)
    assert fed(log, "sofia", cuts) == fed(log, "sofia")
    assert {type(one) for one in fed(log, "sofia")} <= {Request, Answer}


def test_a_size_beyond_all_numbers_stops_nothing():
    log = drachtio(b"recv", MESSAGE).replace(b"recv ", b"recv " + b"9" * 5000)
    assert fed(log, "sofia") == []
