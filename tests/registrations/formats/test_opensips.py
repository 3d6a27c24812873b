"""OpenSIPS' log: Kamailio's words behind another prefix."""

from datetime import UTC, datetime

import pytest

from registrations.formats import detect, open_format
from registrations.formats.record import Pulse, Request
from registrations.formats.stamps import Stamps
from tests.registrations.formats.reading import records_of
from tests.registrations.formats.test_asterisk import ANSWER, MESSAGE
from tests.registrations.formats.test_xlog import told

STAMPS = Stamps(UTC, lambda: datetime(2026, 12, 1, tzinfo=UTC))


def line(text: str, second: int = 41) -> bytes:
    return f"Nov 23 19:51:{second} [12345] {text}\n".encode()


def read(data: bytes, stamps: Stamps = STAMPS):
    reader = open_format(None, stamps)
    records = reader.feed(data) + reader.end()
    return [record for record in records if not isinstance(record, Pulse)]


def test_a_whole_message_behind_its_line():
    noise = line("DBG:core:parse_msg: method:  <REGISTER>")
    noise += line("DBG:core:parse_msg: version: <SIP/2.0>")
    announced = line(
        f"RECEIVED REGISTER from udp:127.0.0.1:5 (size {len(MESSAGE)})", 42
    )
    reply = line("reply from udp:127.0.0.1:5") + ANSWER
    request, answer = read(noise + announced + MESSAGE + noise + reply)
    assert (request.raw, request.source) == (MESSAGE, "udp:127.0.0.1:5")
    assert request.at == datetime(2026, 11, 23, 19, 51, 42, tzinfo=UTC)
    assert (request.position, answer.status) == (len(noise), 401)
    assert detect(noise) == "opensips"


def test_one_line_a_register():
    (request,) = read(line("DBG:x:y: z") + line(told()))
    assert isinstance(request, Request)
    assert request.at == datetime(2026, 11, 23, 19, 51, 41, tzinfo=UTC)


def test_the_year_is_unknown_where_nothing_tells_it():
    (request,) = read(line(told()), Stamps(UTC))
    assert request.at is None


def test_bindings_and_lookups_are_no_registrations():
    noise = line("DBG:usrloc:insert_ucontact: sip:a@b;pn-prid=no")
    noise += line("INFO:registrar:lookup: a -> sip:a@b;pn-prid=no")
    assert (
        read(
            noise
            + line("INFO:x:INVITE from udp:1.2.3.4:5")
            + MESSAGE.replace(b"REGISTER", b"INVITE")
        )
        == []
    )


@pytest.mark.parametrize("step", [0, 1, 50])
def test_a_body_that_lost_its_carriage_returns_ends_with_its_line(step):
    body = b"v=0\r\ns=-\r\n" * 9
    other = b"OPTIONS sip:b SIP/2.0\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    log = line("got") + other + line("from udp:1.2.3.4:5") + MESSAGE + line("x")
    passed_on = log.replace(b"\r", b"")
    (request,) = records_of(passed_on, step=step)
    assert request.source == "udp:1.2.3.4:5"
    (request,) = records_of(log, step=step)
    assert request.source == "udp:1.2.3.4:5"
