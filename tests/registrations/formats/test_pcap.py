from __future__ import annotations

import gzip
import json
import struct
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import call_command

from registrations.formats import open_format
from tests.registrations.formats.reading import (
    answers_of,
    call_ids,
    records_of,
    requests_of,
    rules_of,
)
from tests.registrations.formats.wires import (
    PHONE,
    PROXY,
    REGISTRAR,
    answer,
    ether,
    hep3,
    ip,
    ip6,
    pcap,
    register,
    tcp,
    udp,
)

AT = datetime(2026, 11, 23, 19, 40, 28, 563072, tzinfo=UTC)
PACKET = ip(udp(register(), ports=(15104, 5070)))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("nanos", [False, True])
def test_a_register_has_the_time_sender_and_position_of_its_packet(order, nanos):
    noise = ether(ip(udp(b"\x80\x00rtp" * 20)))
    data = pcap(noise, ether(PACKET), order=order, nanos=nanos, step_micros=0)
    (request,) = requests_of(data)
    assert request.at == AT
    assert request.source == "udp:192.0.2.7:15104"
    assert request.position == 24 + 16 + len(noise)
    assert request.raw == register()


@pytest.mark.parametrize(
    ("link", "frame"),
    [
        (1, ether(PACKET)),
        (1, ether(PACKET, tags=b"\x81\x00\x00\x05")),
        (1, ether(PACKET, tags=b"\x88\xa8\x00\x05\x81\x00\x00\x06")),
        (1, bytes(12) + b"\x88\x64\x11\x00\x00\x01\x00\x00\x00\x21" + PACKET),
        (113, bytes(14) + b"\x08\x00" + PACKET),
        (113, bytes(14) + b"\x81\x00\x00\x07\x08\x00" + PACKET),
        (276, b"\x08\x00" + bytes(18) + PACKET),
        (101, PACKET),
        (228, PACKET),
        (0, struct.pack("<I", 2) + PACKET),
        (108, struct.pack(">I", 2) + PACKET),
    ],
)
def test_every_link_layer_is_read(link, frame):
    assert call_ids(pcap(frame, link=link)) == ["c1"]


def test_a_link_layer_we_do_not_know_is_passed_over():
    assert records_of(pcap(ether(PACKET), link=147)) == []


def test_ipv6_is_read_behind_its_extension_headers():
    hop_by_hop = bytes([60, 0]) + bytes(6)
    options = bytes([17, 1]) + bytes(14)
    plain = ether(ip6(udp(register("plain"))))
    dressed = ether(ip6(hop_by_hop + options + udp(register("dressed")), protocol=0))
    data = pcap(plain, dressed)
    assert call_ids(data) == ["plain", "dressed"]
    assert requests_of(data)[0].source == "udp:[2001:db8::7]:5060"


def test_fragments_in_any_order_are_one_datagram():
    body = udp(register())
    head, tail = body[:64], body[64:]
    first = ether(ip(head, ident=9, pieces=0x2000))
    last = ether(ip(tail, ident=9, pieces=8))
    for frames, place in (((first, last), 24), ((last, first), 24 + 16 + len(last))):
        (request,) = requests_of(pcap(*frames))
        assert request.raw == register()
        assert request.position == place
    assert requests_of(pcap(first, ether(ip(tail, ident=10, pieces=8)))) == []


def test_fragments_of_ipv6_are_one_datagram():
    body = udp(register())
    pieces = [
        ether(ip6(bytes([17, 0, 0, 1]) + bytes([0, 0, 0, 9]) + body[:64], protocol=44)),
        ether(
            ip6(bytes([17, 0, 0, 64]) + bytes([0, 0, 0, 9]) + body[64:], protocol=44)
        ),
    ]
    assert call_ids(pcap(*pieces)) == ["c1"]


def test_the_payload_counts_not_the_port():
    data = pcap(ether(ip(udp(register(), ports=(1, 53)))))
    assert call_ids(data) == ["c1"]


@pytest.mark.parametrize(
    "packet", [PACKET, ip(tcp(register(), 1), protocol=6, source=PHONE)]
)
def test_a_packet_without_a_length_goes_on_to_the_end_of_its_frame(packet):
    offloaded = packet[:2] + b"\0\0" + packet[4:]
    assert call_ids(pcap(ether(offloaded))) == ["c1"]


def test_keep_alives_may_stand_before_the_start_line():
    data = pcap(ether(ip(udp(b"\r\n\r\n"))), ether(ip(udp(b"\r\n" + register()))))
    assert call_ids(data) == ["c1"]


def test_what_follows_a_message_in_its_datagram_is_none():
    data = pcap(ether(ip(udp(register("one") + register("two")))))
    assert call_ids(data) == ["one"]


@pytest.mark.parametrize(
    "copy",
    [
        hep3(register()),
        b"\x02\x10\x02\x11" + bytes(24) + register(),
        b"<14>" + register(),
    ],
)
def test_copies_inside_other_protocols_do_not_count(copy):
    assert records_of(pcap(ether(ip(udp(copy, ports=(9060, 5060)))))) == []


def test_answers_to_registers_are_told_and_no_others():
    invite = answer(200).replace(b"1 REGISTER", b"1 INVITE")
    frames = [
        ether(ip(udp(one))) for one in (answer(401), invite, answer(200, "c2", 7))
    ]
    assert answers_of(pcap(*frames)) == [(401, "c1", 1), (200, "c2", 7)]


def test_a_forwarded_copy_does_not_count_and_a_retransmission_does():
    forwarded = ip(udp(register(vias=2)), source=PROXY, target=REGISTRAR)
    again = ip(udp(register(vias=3)), source=REGISTRAR, target="192.0.2.3")
    frames = [PACKET, forwarded, PACKET, forwarded, again]
    data = pcap(*map(ether, frames))
    assert [one.source for one in requests_of(data)] == ["udp:192.0.2.7:15104"] * 2


def test_a_copy_seen_on_its_second_hop_alone_counts():
    data = pcap(ether(ip(udp(register(vias=2)), source=PROXY, target=REGISTRAR)))
    assert call_ids(data) == ["c1"]


def test_a_register_the_capture_cut_short_is_told_and_not_guessed():
    frame = ether(PACKET)
    data = pcap(frame)
    cut = data[:24] + struct.pack("<IIII", 1, 1, 200, len(frame)) + frame[:200]
    assert rules_of(cut) == [("capture_cut", 24)]
    assert requests_of(cut) == []


def test_a_file_that_ends_within_a_packet_gives_what_stands_before():
    data = pcap(ether(PACKET), ether(ip(udp(register("c2")))))
    assert call_ids(data[:-20]) == ["c1"]
    assert rules_of(data[:-20]) == [("file_cut", 24 + 16 + len(ether(PACKET)))]


@pytest.mark.parametrize("length", [0xFFFFFFFF, 2_000_000, 900_000])
def test_a_lie_about_a_length_is_told_and_reading_goes_on(length):
    frames = [ether(ip(udp(register(f"c{one}")))) for one in range(5)]
    data = bytearray(pcap(*frames))
    second = 24 + 16 + len(frames[0])
    struct.pack_into("<I", data, second + 8, length)
    assert call_ids(bytes(data)) == ["c0", "c2", "c3", "c4"]
    assert rules_of(bytes(data)) == [("packet_length", second)]


def test_a_restart_at_the_resume_position_loses_nothing():
    data = pcap(*[ether(ip(udp(register(f"c{one}")))) for one in range(6)])
    for cut in range(0, len(data), 7):
        first = open_format("pcap")
        before = first.feed(data[:cut])
        position = first.resume_position
        again = open_format("pcap", position=position, head=data[:24])
        after = again.feed(data[position:]) + again.end()
        positions = [one.position for one in before + after if hasattr(one, "raw")]
        assert positions == [one.position for one in requests_of(data)]


def test_parse_reads_a_packed_capture(tmp_path):
    path = tmp_path / "lo.pcap.gz"
    path.write_bytes(gzip.compress(pcap(ether(PACKET), ether(ip(udp(answer(200)))))))
    out = StringIO()
    call_command("parse", str(path), stdout=out)
    (row,) = map(json.loads, out.getvalue().splitlines())
    assert (row["format"], row["position"], row["status"]) == ("pcap", 24, 200)
    assert row["at"] == "2026-11-23T19:40:28.563072Z"
    assert row["source"] == "udp:192.0.2.7:15104"
