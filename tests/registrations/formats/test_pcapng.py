from __future__ import annotations

import struct

import pytest

from registrations.formats import open_format
from registrations.formats.pcapng import ticks_of
from tests.registrations.formats.reading import call_ids, requests_of, rules_of
from tests.registrations.formats.wires import (
    START,
    block,
    enhanced,
    ether,
    interface,
    ip,
    option,
    register,
    section,
    udp,
)

FRAME = ether(ip(udp(register())))


@pytest.mark.parametrize("order", "<>")
def test_a_packet_has_the_time_of_its_interfaces_resolution(order):
    nanos = interface(order=order, options=option(9, b"\x09", order))
    halves = interface(order=order, options=option(9, b"\x81", order))
    later = interface(
        order=order, options=option(14, struct.pack(f"{order}q", 60), order)
    )
    head = section(order) + interface(order=order) + nanos + halves + later
    stamps = [START, START * 1000, START // 500_000, START]
    data = head + b"".join(
        enhanced(FRAME, number, stamp, order) for number, stamp in enumerate(stamps)
    )
    moments = [round(one.at.timestamp() * 1e6) for one in requests_of(data)]
    whole = START // 500_000 * 500_000
    assert moments == [START, START, whole, START + 60_000_000]
    assert requests_of(data)[0].position == len(head)


def test_each_interface_has_its_own_link_layer():
    raw = ip(udp(register("raw")))
    data = section() + interface(1) + interface(101)
    data += enhanced(raw, 1) + enhanced(FRAME, 0) + enhanced(FRAME, 7)
    assert call_ids(data) == ["raw", "c1"]


def test_a_new_section_has_a_byte_order_and_interfaces_of_its_own():
    data = section() + interface(101) + section(">") + interface(1, ">")
    data += enhanced(FRAME, 0, START, ">")
    assert call_ids(data) == ["c1"]


def test_simple_and_obsolete_packets_and_unknown_blocks_are_read_or_passed_over():
    simple = block(3, struct.pack("<I", len(FRAME)) + FRAME)
    sizes = len(FRAME), len(FRAME)
    stamp = START >> 32, START & 0xFFFFFFFF
    old = block(2, struct.pack("<HHIIII", 0, 0, *stamp, *sizes) + FRAME)
    data = section() + interface() + block(0xBAD, b"x" * 40) + simple + old
    first, second = requests_of(data)
    assert first.at is None
    assert second.at.timestamp() == START / 1e6


@pytest.mark.parametrize("length", [0, 13, 0xFFFFFFF0, 500_000, 80])
def test_a_block_that_lies_about_its_length_is_told_and_reading_goes_on(length):
    blocks = [enhanced(ether(ip(udp(register(f"c{one}"))))) for one in range(4)]
    head = section() + interface()
    data = bytearray(head + b"".join(blocks))
    struct.pack_into("<I", data, len(head) + 4, length)
    assert call_ids(bytes(data)) == ["c1", "c2", "c3"]
    assert rules_of(bytes(data)) == [("packet_length", len(head))]


def test_a_packet_longer_than_its_block_is_told():
    data = bytearray(section() + interface() + enhanced(FRAME) + enhanced(FRAME))
    place = len(section() + interface())
    struct.pack_into("<I", data, place + 20, 5000)
    assert rules_of(bytes(data)) == [("packet_length", place)]
    assert call_ids(bytes(data)) == ["c1"]


def test_a_restart_reads_the_interfaces_from_the_head():
    head = section() + interface(options=option(9, b"\x09"))
    data = head + enhanced(FRAME, 0, START * 1000)
    again = open_format("pcapng", position=len(head), head=data)
    (request,) = [one for one in again.feed(data[len(head) :]) if hasattr(one, "raw")]
    assert request.position == len(head)
    assert round(request.at.timestamp() * 1e6) == START


def test_a_resolution_is_a_power_of_ten_or_of_two():
    assert [ticks_of(6), ticks_of(9), ticks_of(0x8A)] == [10**6, 10**9, 1024]
