from __future__ import annotations

import random
import struct
import time
import zlib

import pytest

from tests.registrations.formats.reading import (
    answers_of,
    call_ids,
    records_of,
    requests_of,
    rules_of,
)
from tests.registrations.formats.wires import (
    answer,
    chunk,
    ether,
    hep3,
    ip,
    ip6,
    pcap,
    register,
    tcp,
)

SYN, ACK, FIN = 2, 0x10, 0x11
FIRST = 0xFFFFFF80  # so that sequence numbers wrap


def segment(payload: bytes, offset: int, flags: int = ACK) -> bytes:
    """A frame of the one connection; `offset`: bytes sent before."""
    sequence = (FIRST + 1 + offset) & 0xFFFFFFFF
    return ether(ip(tcp(payload, sequence, flags=flags), protocol=6))


def opening(number: int = FIRST) -> bytes:
    return ether(ip(tcp(b"", number, flags=SYN), protocol=6))


def sent(stream: bytes, *cuts: int) -> list[bytes]:
    """The stream in segments, cut at these offsets."""
    bounds = [0, *cuts, len(stream)]
    return [
        segment(stream[start:end], start)
        for start, end in zip(bounds, bounds[1:], strict=False)
    ]


def position(frames: list[bytes], index: int) -> int:
    return 24 + sum(16 + len(frame) for frame in frames[:index])


def test_messages_are_cut_at_content_length_whatever_the_segments():
    body = register("one").replace(b"Length: 0\r\n\r\n", b"Length: 4\r\n\r\nREGI")
    stream = b"\r\n\r\n" + body + register("two") + b"\r\n" + register("three")
    for cut in range(1, len(stream)):
        frames = [opening(), *sent(stream, cut)]
        assert call_ids(pcap(*frames)) == ["one", "two", "three"]


def test_a_message_has_the_place_of_the_packet_that_holds_its_first_byte():
    stream = register("one") + register("two")
    frames = [opening(), *sent(stream, len(register("one")) + 20, len(stream) - 9)]
    one, two = requests_of(pcap(*frames))
    assert [one.position, two.position] == [position(frames, 1)] * 2
    assert two.at == one.at
    assert one.source == "tcp:192.0.2.7:40000"


def test_order_repetition_and_overlap_change_nothing():
    stream = b"".join(register(f"c{one}") for one in range(6))
    rng = random.Random(4)
    for _ in range(40):
        cuts = sorted(rng.sample(range(1, len(stream)), 12))
        bounds = [0, *cuts, len(stream)]
        frames = []
        for start, end in zip(bounds, bounds[1:], strict=False):
            early = max(0, start - rng.randrange(30))
            frames.append(segment(stream[early:end], early))
        frames += rng.sample(frames, 4)
        rng.shuffle(frames)
        ids = call_ids(pcap(opening(), *frames))
        assert sorted(ids) == [f"c{one}" for one in range(6)]


def test_a_stream_joined_midway_is_read_from_the_next_start_line():
    stream = register("one") + register("two") + register("three")
    frames = sent(stream[30:], len(register("one")) - 30 + 50)
    assert call_ids(pcap(*frames)) == ["two", "three"]


def test_a_lost_segment_costs_its_message_and_no_more():
    stream = register("one") + register("two") + register("three")
    size = len(register("one"))
    frames = [opening(), *sent(stream, size + 10, size + 60)]
    lost = pcap(*frames[:2], *frames[3:])
    assert call_ids(lost) == ["one", "three"]
    assert rules_of(lost) == [("segment_lost", position(frames, 1))]


def test_a_hole_in_a_body_costs_nothing():
    long = answer(200).replace(b"Length: 0\r\n\r\n", b"Length: 90\r\n\r\n" + b"x" * 90)
    stream = long + register()
    cut = len(long) - 60
    frames = [opening(), *sent(stream, cut, cut + 40)]
    data = pcap(*frames[:2], *frames[3:])
    assert answers_of(data) == [(200, "c1", 1)]
    assert call_ids(data) == ["c1"]


def test_the_capture_may_cut_segments_short():
    frames = [opening(), *sent(register("one") + register("two"), len(register("one")))]
    cut = [frame[:200] if len(frame) > 200 else frame for frame in frames]
    assert call_ids(pcap(*cut)) == []
    assert [rule for rule, _ in rules_of(pcap(*cut))] == ["segment_lost"] * 2


def test_one_pair_of_ports_may_serve_another_connection():
    again = ether(ip(tcp(register("new"), 1001), protocol=6))
    frames = [opening(), *sent(register("old")), opening(1000), again]
    assert call_ids(pcap(*frames)) == ["old", "new"]


def test_retransmitted_segments_are_one_message():
    frames = [opening(), *sent(register()), *sent(register())]
    assert call_ids(pcap(*frames)) == ["c1"]


@pytest.mark.parametrize(
    "start", [b"\x16\x03\x01\x02\x00", b"POST /logs HTTP/1.1\r\nHost: x\r\n\r\n"]
)
def test_what_begins_as_something_else_is_not_read(start):
    frames = [opening(), *sent(start + b"\r\n" + register(), len(start) + 2)]
    assert records_of(pcap(*frames)) == []


def test_hep_packets_in_a_stream_are_stepped_over():
    stream = hep3(register("copy")) + hep3(register("copy2")) + register("own")
    for cut in range(1, len(stream), 5):
        assert call_ids(pcap(opening(), *sent(stream, cut))) == ["own"]


def test_a_content_length_that_lies_does_not_end_the_reading():
    lie = register("one").replace(b"Length: 0", b"Length: 999999999")
    assert call_ids(pcap(opening(), *sent(lie + register("two")))) == ["one", "two"]


def test_text_that_is_no_sip_is_passed_over():
    frames = [opening(), *sent(b"hello\r\nworld\r\n" + register())]
    assert call_ids(pcap(*frames)) == ["c1"]


def test_a_message_unfinished_at_the_end_of_the_connection_is_told():
    frames = [opening(), *sent(register()[:80]), segment(b"", 80, FIN)]
    assert rules_of(pcap(*frames)) == [("segment_lost", position(frames, 1))]


def test_ipv6_streams_name_their_sender():
    frame = ether(ip6(tcp(register(), 5), protocol=6))
    (request,) = requests_of(pcap(frame))
    assert request.source == "tcp:[2001:db8::7]:40000"


def test_ten_thousand_contacts_over_tcp_are_told_and_the_next_message_read():
    many = b"".join(b"Contact: <sip:a%d@h>\r\n" % number for number in range(10_000))
    big = register("big").replace(b"Content-Length", many + b"Content-Length")
    stream = register("one") + big + register("next")
    frames = [opening(), *sent(stream, *range(1400, len(stream), 1400))]
    assert call_ids(pcap(*frames)) == ["one", "next"]
    assert rules_of(pcap(*frames)) == [("headers_cut", position(frames, 1))]
    packet = hep3(b"", chunk(16, zlib.compress(big[:100_000])), protocol=6)[:-6]
    packet = b"HEP3" + struct.pack(">H", len(packet)) + packet[6:]
    told = [("headers_cut", 0), ("headers_cut", len(packet))]
    assert rules_of(packet * 2) == told


@pytest.mark.parametrize("size", range(6))
def test_a_hep_packet_that_lies_in_a_stream_does_not_hold_the_reader(size):
    lie = b"HEP3" + size.to_bytes(2, "big")
    frames = [opening(), *sent(lie + b"\r\n" + register("one") + lie)]
    assert call_ids(pcap(*frames)) == ["one"]
    assert call_ids(hep3(lie, protocol=6) + hep3(register("two"))) == ["two"]


def test_start_lines_amid_a_head_that_is_too_long_cost_no_more():
    head = register("big").partition(b"\r\n\r\n")[0] + b"\r\n"
    stream = head * (4 * 1024 * 1024 // len(head)) + b"\r\n" + register("next")
    began = time.process_time()
    frames = [opening(), segment(stream[:60_000], 0)]
    frames += [
        segment(stream[at : at + 60_000], at)
        for at in range(60_000, len(stream), 60_000)
    ]
    assert call_ids(pcap(*frames))[-1] == "next"
    assert time.process_time() - began < 10
