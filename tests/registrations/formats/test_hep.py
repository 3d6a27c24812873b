from __future__ import annotations

import gzip
import struct
import zlib

import pytest

from registrations.formats.hep import HepError, decode
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
    START,
    answer,
    chunk,
    hep3,
    hep_record,
    packed,
    register,
)

SECONDS, MICROS = divmod(START, 1_000_000)


def fixed(
    version: int, payload: bytes, *, order: str = "<", inclusive: bool = False
) -> bytes:
    """A HEP packet of version 1 or 2 from PHONE to PROXY."""
    addresses = packed(PHONE) + packed(PROXY)
    stamp = b""
    if version == 2:
        stamp = struct.pack(f"{order}IIHH", SECONDS, MICROS, 2001, 0)
    size = 16 + (len(stamp) if inclusive else 0)
    head = struct.pack(">BBBBHH", version, size, 2, 17, 5070, 5060)
    return head + addresses + stamp + payload


def test_version_3_tells_message_moment_way_key_and_correlation():
    packet = hep3(register(), chunk(14, b"secret"), chunk(17, b"c1"), chunk(9, b"", 7))
    hep = decode(packet)
    assert (hep.version, hep.micros, hep.protocol) == (3, START, "udp")
    assert (hep.source, hep.source_port) == (packed(PHONE), 5070)
    assert (hep.target, hep.target_port) == (packed(PROXY), 5060)
    assert (hep.auth_key, hep.correlation_id) == (b"secret", b"c1")
    assert hep.payload == register()


@pytest.mark.parametrize("pack", [zlib.compress, gzip.compress])
def test_a_packed_payload_is_unpacked(pack):
    packet = hep3(b"", chunk(16, pack(register())))
    whole = packet[:-6]  # without the empty payload chunk
    whole = b"HEP3" + struct.pack(">H", len(whole)) + whole[6:]
    assert decode(whole).payload == register()


@pytest.mark.parametrize("inclusive", [False, True])
@pytest.mark.parametrize("order", "<>")
def test_version_2_has_the_senders_byte_order(order, inclusive):
    hep = decode(fixed(2, register(), order=order, inclusive=inclusive))
    assert (hep.version, hep.micros, hep.payload) == (2, START, register())


def test_of_two_readings_of_a_time_the_one_near_arrival_counts():
    ambiguous = struct.pack("<II", 0x6B000069, 0)
    packet = fixed(2, b"")[:16] + ambiguous + bytes(4) + register()
    for seconds in (0x6B000069, 0x6900006B):
        assert decode(packet, seconds + 1.0).micros == seconds * 1_000_000


def test_version_1_has_no_time_of_its_own():
    assert decode(fixed(1, register())).micros is None
    (request,) = requests_of(hep_record(fixed(1, register())))
    assert round(request.at.timestamp() * 1e6) == START


LIES = [
    (b"", "hep_magic"),
    (b"GARBAGE", "hep_magic"),
    (b"HEP3", "hep_length"),
    (hep3(register())[:-1], "hep_length"),
    (hep3(register()) + b"x", "hep_length"),
    (hep3(register(), struct.pack(">HHH", 0, 99, 5)), "hep_chunk_length"),
    (hep3(register(), struct.pack(">HHH", 0, 99, 60000)), "hep_chunk_length"),
    (hep3(register(), chunk(3, b"\x01")), "hep_chunk_length"),
    (b"HEP3\x00\x09abc", "hep_chunk_length"),
    (b"HEP3\x00\x06", "hep_address_missing"),
    (b"\x02\x10", "hep_length"),
    (b"\x02\x10\x09\x11" + bytes(40), "hep_family"),
    (b"\x02\x99\x02\x11" + bytes(40), "hep_length"),
    (b"\x02\x28\x0a\x11" + bytes(20), "hep_length"),
]


@pytest.mark.parametrize(("packet", "rule"), LIES)
def test_lies_are_refused_by_name(packet, rule):
    with pytest.raises(HepError) as refused:
        decode(packet)
    assert refused.value.rule == rule


def test_a_packed_payload_is_not_unpacked_beyond_a_message():
    bomb = hep3(b"", chunk(16, zlib.compress(bytes(10_000_000))))[:-6]
    bomb = b"HEP3" + struct.pack(">H", len(bomb)) + bomb[6:]
    with pytest.raises(HepError) as refused:
        decode(bomb)
    assert refused.value.rule == "hep_payload_packed"


def test_files_of_records_and_of_packets_alone_are_read():
    packets = [hep3(register("one")), hep3(answer(401, "one")), hep3(register("two"))]
    for data in (b"".join(packets), b"".join(map(hep_record, packets))):
        assert call_ids(data) == ["one", "two"]
        assert answers_of(data) == [(401, "one", 1)]
    framed = b"".join(map(hep_record, packets))
    assert requests_of(framed)[1].position == len(framed) - len(hep_record(packets[2]))
    assert requests_of(framed)[0].source == "udp:192.0.2.7:5070"


def test_a_packet_of_a_stream_may_hold_several_messages():
    data = hep3(register("one") + register("two"), protocol=6)
    assert call_ids(data) == ["one", "two"]
    assert requests_of(data)[0].source == "tcp:192.0.2.7:5070"


def test_what_is_not_sip_is_passed_over():
    packet = hep3(register())
    rtcp = packet.replace(chunk(11, b"\x01"), chunk(11, b"\x05"))
    assert records_of(rtcp + packet[:0]) == []


@pytest.mark.parametrize("length", [0, 30, 5000, 70_000])
def test_a_record_that_lies_is_told_and_reading_goes_on(length):
    records = [hep_record(hep3(register(f"c{one}"))) for one in range(4)]
    data = bytearray(b"".join(records))
    struct.pack_into(">I", data, len(records[0]), length)
    assert call_ids(bytes(data)) == ["c0", "c1", "c2", "c3"]
    assert [place for _, place in rules_of(bytes(data))] == [len(records[0])]


def test_a_packet_that_lies_is_told_once():
    bad = bytearray(hep3(register("bad")))
    bad[10:12] = b"\xff\xff"
    data = hep_record(bytes(bad)) + hep_record(hep3(register("good")))
    assert call_ids(data) == ["good"]
    assert rules_of(data) == [("hep_chunk_length", 0)]
