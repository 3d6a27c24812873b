"""Asterisk's full log: pjsip's logger and chan_sip's, colours, dates, what is sent."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from registrations.formats import detect, open_format
from registrations.formats.asterisk import told
from registrations.formats.record import Answer, Pulse, Request
from registrations.formats.stamps import Stamps

CET = timezone(timedelta(hours=1))
STAMPS = Stamps(CET, lambda: datetime(2026, 12, 1, tzinfo=UTC))
MESSAGE = (
    b"REGISTER sip:e.org SIP/2.0\r\nTo: sip:a@e.org\r\nCSeq: 1 REGISTER\r\n"
    b"Call-ID: one\r\nContact: <sip:a@1.2.3.4>\r\n\r\n"
)
ANSWER = b"SIP/2.0 401 No\r\nCall-ID: one\r\nCSeq: 1 REGISTER\r\n\r\n"


def line(text: str, *, date: str = "2026-11-23 19:36:17.017", level="VERBOSE") -> bytes:
    return f"[{date}] {level}[22075] {text}\n".encode()


def pjsip(raw: bytes = MESSAGE, peer: str = "UDP:127.0.0.1:15101", **dated) -> bytes:
    arrows = f"<--- Received SIP request ({len(raw)} bytes) from {peer} --->"
    return line(f"res_pjsip_logger.c: {arrows}", **dated) + raw + b"\n"


def sent(raw: bytes = ANSWER, what: str = "response") -> bytes:
    arrows = (
        f"<--- Transmitting SIP {what} ({len(raw)} bytes) to UDP:127.0.0.1:15101 --->"
    )
    return line(f"res_pjsip_logger.c: {arrows}") + raw + b"\n"


def chan_sip(
    raw: bytes = MESSAGE, arrows: str = "SIP read from UDP:1.2.3.4:5060"
) -> bytes:
    text = b"\n<--- " + arrows.encode() + b" --->\n" + raw + b"\n<------------->\n"
    return (
        line("chan_sip.c: ")[:-1]
        + text
        + line("chan_sip.c: --- (12 headers 0 lines) ---")
    )


def read(data: bytes):
    reader = open_format(None, STAMPS)
    records = reader.feed(data) + reader.end()
    return [record for record in records if not isinstance(record, Pulse)]


def test_arrows_tell_when_from_where_and_the_answer():
    noise = line("asterisk.c: Remote UNIX connection")
    request, answer = read(noise + pjsip() + sent() + noise)
    assert isinstance(request, Request) and isinstance(answer, Answer)
    assert (request.raw, request.position) == (MESSAGE, len(noise))
    assert request.source == "udp:127.0.0.1:15101"
    assert request.at == datetime(2026, 11, 23, 18, 36, 17, 17000, UTC)
    assert (answer.call_id, answer.cseq, answer.status) == ("one", 1, 401)
    assert detect(noise) == "asterisk"


@pytest.mark.parametrize(
    ("date", "at"),
    [
        ("Nov 23 19:36:17", datetime(2026, 11, 23, 18, 36, 17, tzinfo=UTC)),
        ("2026-11-23 19:36:17", datetime(2026, 11, 23, 18, 36, 17, tzinfo=UTC)),
        ("2026-11-23T19:36:17.5+0000", datetime(2026, 11, 23, 19, 36, 17, 500000, UTC)),
        ("23/11/26 19h36", None),
    ],
)
def test_every_date_format_is_understood_or_left_unknown(date, at):
    (request,) = read(pjsip(date=date))
    assert (request.at, request.raw) == (at, MESSAGE)


@pytest.mark.parametrize(
    ("peer", "source"),
    [
        ("UDP:[2001:db8::1]:5060", "udp:[2001:db8::1]:5060"),
        ("TLS:10.0.0.1:38021", "tls:10.0.0.1:38021"),
        ("WSS:10.0.0.1:38021", "wss:10.0.0.1:38021"),
    ],
)
def test_every_transport_is_named(peer, source):
    assert read(pjsip(peer=peer))[0].source == source


def test_colours_do_not_matter():
    data = (
        b"[2026-11-23 19:36:17.017] \x1b[1;32mVERBOSE\x1b[0m[22075] \x1b[1;37mres.c\x1b[0m: "
        b"\x1b[1;36m<--- Received SIP request (%d bytes) from UDP:1.2.3.4:5 --->\x1b[0m\n"
    )
    (request,) = read(data % len(MESSAGE) + MESSAGE + b"\n")
    assert (request.raw, request.source) == (MESSAGE, "udp:1.2.3.4:5")


def test_a_call_number_stands_behind_the_thread():
    data = pjsip().replace(b"[22075]", b"[22075][C-0000002a]")
    assert len(read(data)) == 1


def test_the_console_prints_the_arrows_alone():
    data = pjsip()
    (request,) = read(data[data.index(b"<---") :])
    assert (request.raw, request.at) == (MESSAGE, None)


@pytest.mark.parametrize("stamp", ["2026-11-23 19:36:17", "Nov 23 19:36:17"])
@pytest.mark.parametrize("mark", ["", "    -- ", "  == ", "\x1b[0;37m"])
def test_the_console_may_print_the_time_before_the_arrows(stamp, mark):
    def console(data: bytes) -> bytes:
        _, behind, rest = data.partition(b"<---")
        return f"[{stamp}] {mark}".encode() + behind + rest

    data = console(sent(MESSAGE, "request")) + console(pjsip()) + console(sent())
    request, answer = read(f"[{stamp}] Asterisk Ready.\n".encode() + data)
    assert (request.raw, request.source) == (MESSAGE, "udp:127.0.0.1:15101")
    assert request.at == datetime(2026, 11, 23, 18, 36, 17, tzinfo=UTC)
    assert isinstance(answer, Answer)
    assert detect(data) == "asterisk"


def test_what_asterisk_itself_registers_elsewhere_does_not_count():
    assert read(sent(MESSAGE, "request")) == []


def test_chan_sips_arrows_stand_on_a_line_of_their_own():
    request, answer = read(
        chan_sip() + chan_sip(ANSWER, "Transmitting (no NAT) to 1.2.3.4:5060")
    )
    assert request.raw == MESSAGE
    assert request.source == "udp:1.2.3.4:5060"
    assert request.at == datetime(2026, 11, 23, 18, 36, 17, 17000, UTC)
    assert answer.status == 401
    assert request.position == chan_sip().index(b"<---")


@pytest.mark.parametrize(
    "way", ["Reliably Transmitting (NAT)", "Retransmitting #2 (NAT)", "Transmitting"]
)
def test_what_chan_sip_sends_does_not_count(way):
    assert read(chan_sip(arrows=f"{way} to 1.2.3.4:5060")) == []


def test_contacts_amid_the_log_are_no_registrations():
    uri = "sip:a@1.2.3.4;pn-prid=t:voip"
    noise = line(f"res_pjsip_registrar.c: Added contact '{uri}' to AOR 'a'")
    warning = line(
        "pjproject: sip_transport.c Dropping 746 bytes packet from UDP 1.2.3.4:5",
        level="WARNING",
    )
    text = line("x.c: said:") + MESSAGE
    assert (
        read(noise + warning + text + pjsip(MESSAGE.replace(b"REGISTER", b"INVITE")))
        == []
    )


def test_a_phone_cannot_forge_a_record_of_the_log():
    forged = pjsip(MESSAGE.replace(b"one", b"forged"))
    body = MESSAGE.replace(b"\r\n\r\n", b"\r\nl: %d\r\n\r\n" % len(forged)) + forged
    headers = MESSAGE.replace(b"\r\nTo:", b"\r\nX: y\r\n" + forged[:-5] + b"To:", 1)
    records = read(
        pjsip(body) + pjsip(headers) + pjsip(MESSAGE.replace(b"one", b"two"))
    )
    assert [record.raw for record in records][:1] == [body]
    assert [b"two" in record.raw for record in records] == [False, False, True]


def test_a_line_without_arrows_says_nothing():
    assert told(b"Endpoint alice is now Reachable") is None
