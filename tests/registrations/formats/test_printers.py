"""Packets as text: what ngrep and tcpdump do to a message, and what Windows does to theirs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from registrations.formats import detect
from registrations.formats.record import Answer
from registrations.sip import read_register
from tests.registrations.formats.test_wrapped import fed, requests, sample


def printed_by_tcpdump(head: bytes, raw: bytes) -> bytes:
    """Of port 5060 with `-v`: the message indented, then all bytes of the packet."""
    text = raw.replace(b"\r\n", b"\n")
    decoded = b"".join(b"\t" + line for line in text.splitlines(keepends=True))
    return head + decoded + b"E" + b"." * 27 + text + b"\n"


def test_tcpdump_tells_of_port_5060_what_it_understood_first():
    raw = requests(sample("journal_cat"))[0].raw
    head = b"2026-11-23 19:40:28.563072 IP (tos 0x0, ttl 64, id 1, offset 0, flags [none])\n"
    head += b"    192.0.2.7.5060 > 192.0.2.1.5060: SIP, length: 691\n"
    log = printed_by_tcpdump(head, raw) * 2
    assert [one.source for one in requests(log)] == ["udp:192.0.2.7:5060"] * 2
    forged = raw.replace(
        b"\r\n\r\n", b"\r\nE" + b"." * 27 + b"REGISTER sip:x SIP/2.0\r\n"
    )
    assert requests(head + b"\tMESSAGE sip:x SIP/2.0\n\t" + forged + b"\n") == []


def test_quiet_tcpdump_says_tcp_in_other_words():
    raw = requests(sample("journal_cat"))[0].raw
    head = b"2026-11-23 19:40:28.563072 IP 192.0.2.7.40000 > 192.0.2.1.5060: tcp 691\n"
    (request,) = requests(head + b"E" + b"." * 51 + raw + b"\n")
    assert request.source == "tcp:192.0.2.7:40000"


@pytest.mark.parametrize("name", ["ngrep_byline", "ngrep_default"])
def test_a_printers_file_may_have_passed_through_windows(name):
    log = sample(name)
    there = b"\xef\xbb\xbf" + log.replace(b"\n", b"\r\n")
    contacts = [read_register(one.raw).contacts for one in requests(log)]
    assert [read_register(one.raw).contacts for one in requests(there)] == contacts


@pytest.mark.parametrize("name", ["ngrep_byline", "ngrep_default", "tcpdump_A"])
def test_a_packet_that_was_cut_is_told(name):
    log = sample(name)
    cut = log[: log.index(b"Contact:" if name != "ngrep_default" else b"tact:") + 40]
    (told,) = fed(cut + b"\n", None)
    assert told.rule == "headers_cut"


@pytest.mark.parametrize(
    ("via", "protocol"),
    [
        ("Via: SIP/2.0/UDP ", "udp"),
        ("Via: SIP/2.0/TCP ", "tcp"),
        ("v:SIP / 2.0 / tls ", "tls"),
        ("Via:\r\n SIP/2.0/WSS ", "wss"),
        ("X-Via: SIP/2.0/TCP ", "udp"),
    ],
)
def test_sngrep_leaves_the_transport_to_the_via(via, protocol):
    """As sngrep saves it: ends without a letter, the message as it came."""
    raw = requests(sample("journal_cat"))[0].raw
    there = raw.replace(b"Via: SIP/2.0/UDP ", via.encode(), 1)
    head = b"2026/11/23 19:40:28.563072 192.0.2.7:40000 -> 192.0.2.1:5060\n"
    log = (head + there + b"\n") * 2
    assert [one.source for one in requests(log)] == [f"{protocol}:192.0.2.7:40000"] * 2


def test_ngrep_says_itself_how_a_packet_came():
    log = sample("ngrep_byline").replace(b"SIP/2.0/UDP ", b"SIP/2.0/TCP ")
    assert {one.source[:4] for one in requests(log)} == {"udp:"}


RAW = requests(sample("journal_cat"))[0].raw
AT = datetime(2026, 11, 23, 19, 40, 28, 563072, UTC)


@pytest.mark.parametrize(
    ("head", "at"),
    [
        ("2026-11-23 19:40:28.563072123 IP ", AT),
        ("1795462828.563072 IP ", AT),
        ("1795462828.563072123 IP ", AT),
        (" 00:00:00.000123 IP ", None),
        ("19:40:28.563072 IP ", None),
        ("IP ", None),
        (
            "2026-11-23 19:40:28.563072 00:11:22:33:44:55 > 66:77:88:99:aa:bb, "
            "ethertype IPv4 (0x0800), length 941: ",
            AT,
        ),
        (
            "2026-11-23 19:40:28.563072 00:11:22:33:44:55 > 66:77:88:99:aa:bb, ethertype "
            "802.1Q (0x8100), length 941: vlan 5, p 0, ethertype IPv4 (0x0800), ",
            AT,
        ),
        (
            "2026-11-23 19:40:28.563072 eth0  In  ifindex 2 00:11:22:33:44:55 "
            "ethertype IPv4 (0x0800), length 947: ",
            AT,
        ),
    ],
)
def test_tcpdumps_options_change_what_is_in_front(head, at):
    line = f"{head}192.0.2.7.5060 > 192.0.2.1.5060: SIP: REGISTER\n".encode()
    log = (line + b"E" + b"." * 27 + RAW.replace(b"\r\n", b"\n") + b"\n") * 2
    assert detect(log) == "tcpdump"
    told = [(one.at, one.source) for one in requests(log)]
    assert told == [(at, "udp:192.0.2.7:5060")] * 2
    cuts = range(1, len(log), 7)
    assert fed(log, None, cuts) == fed(log, None)


@pytest.mark.parametrize("between", ["", "\n", " #1\n", " #1 ", " "])
@pytest.mark.parametrize("stamp", ["2026/11/23 19:40:28.563072", "+0.000123"])
def test_ngrep_may_print_a_packet_in_one_line(between, stamp):
    head = f"U {stamp} 192.0.2.7:40000 -> 192.0.2.1:5060{between or ' '}".encode()
    log = (head + RAW.replace(b"\r\n", b"..") + b"\n\n") * 2
    assert detect(log) == "ngrep"
    contacts = [read_register(one.raw).contacts for one in requests(log)]
    assert contacts == [read_register(RAW).contacts] * 2
    assert {one.at for one in requests(log)} == {None if stamp[0] == "+" else AT}


@pytest.mark.parametrize("name", ["ngrep_marks", "sipgrep_tcp", "tcpdump_X"])
def test_packets_of_a_real_registrar_are_read_over_tcp_and_udp(name):
    """ngrep's marks between packets, sipgrep's flags, hexadecimal; HEP copies beside them."""
    log = sample(name)
    found = [
        (
            one.source,
            register.call_id,
            register.cseq,
            len(register.contacts[0].push.tokens),
        )
        for one in requests(log)
        if (register := read_register(one.raw))
    ]
    tcp = ("tcp:127.0.0.1:35911", "9b6ec9d286")
    udp = ("udp:127.0.0.1:53378", "ad3b1a11df")
    assert found == [
        *((*tcp, cseq, 2) for cseq in range(20, 24)),
        *((*tcp, cseq, 0) for cseq in (24, 25)),
        *((*udp, cseq, 2) for cseq in (20, 21)),
    ]
    statuses = [one.status for one in fed(log, None) if isinstance(one, Answer)]
    assert statuses == [401, 200] * 4


def test_what_ngrep_wrapped_may_have_lost_the_blanks_at_its_line_ends():
    log = sample("ngrep_marks")
    bare = b"".join(line.rstrip(b" \n") + b"\n" for line in log.splitlines())
    assert bare != log
    assert [one.raw for one in requests(bare)] == [one.raw for one in requests(log)]


def test_ngrep_prints_a_folded_header_as_two_dots_and_a_blank():
    folded = RAW.replace(b";+sip.instance", b"\r\n ;+sip.instance", 1)
    assert folded != RAW
    printed = folded.replace(b"\r\n", b"..")
    lines = [printed[at : at + 75] for at in range(0, len(printed), 75)]
    head = b"U 2026/11/23 19:40:28.563072 192.0.2.7:5060 -> 192.0.2.1:5060 #1\n"
    log = (head + b"".join(b"  %-75b\n" % line for line in lines)) * 2
    contacts = [read_register(one.raw).contacts for one in requests(log)]
    assert contacts == [read_register(RAW).contacts] * 2


@pytest.mark.parametrize(
    ("bytes_more", "read"), [(0, 2), (14, 2), (18, 2), (20, 2), (16, 0)]
)
def test_tcpdump_in_hexadecimal_may_begin_with_the_link(bytes_more, read):
    """Ethernet's, a VLAN's, Linux SLL2's; what stands behind HEP's 16 bytes is a copy."""
    head = b"2026-11-23 19:40:28.563072 IP 192.0.2.7.5060 > 192.0.2.1.5060: SIP\n"
    packet = b"E" + b"\0" * (bytes_more + 27) + RAW
    lines = [
        b"\t0x%04x:  %b\n" % (at, packet[at : at + 16].hex(" ", 2).encode())
        for at in range(0, len(packet), 16)
    ]
    log = (head + b"".join(lines)) * 2
    assert [one.raw for one in requests(log)] == [RAW] * read
