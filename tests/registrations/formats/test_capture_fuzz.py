"""Any bytes, in any pieces: no crash, and the same records as fed whole."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registrations.formats import open_format
from registrations.formats.hep import HepError, decode
from registrations.formats.record import Pulse
from tests.registrations.formats.reading import records_of
from tests.registrations.formats.wires import (
    answer,
    enhanced,
    ether,
    hep3,
    hep_record,
    interface,
    ip,
    ip6,
    pcap,
    register,
    section,
    tcp,
    udp,
)

BODY = udp(register("split"))
STREAM = register("t1") + b"\r\n" + register("t2") + answer(200, "t2")
FRAMES = [
    ether(ip(udp(register()))),
    ether(ip(BODY[:80], ident=5, pieces=0x2000)),
    ether(ip(tcp(b"", 99, flags=2), protocol=6)),
    ether(ip(tcp(STREAM[200:], 300), protocol=6)),
    ether(ip(BODY[80:], ident=5, pieces=10)),
    ether(ip(tcp(STREAM[:200], 100), protocol=6)),
    ether(ip6(udp(answer(200)))),
    ether(ip(tcp(STREAM[:150], 7000), protocol=6, source="192.0.2.77")),
]
FILES = {
    "pcap": pcap(*FRAMES),
    "pcapng": section() + interface() + b"".join(map(enhanced, FRAMES)),
    "hep": b"".join(hep_record(hep3(one)) for one in (register(), answer(200), STREAM)),
}


@st.composite
def damaged(draw) -> tuple[str, bytes]:
    """A capture with some bytes changed, cut out or put in."""
    name = draw(st.sampled_from(sorted(FILES)))
    data = bytearray(FILES[name])
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(data) - 1))
        kind = draw(st.integers(0, 2))
        if kind == 0:
            data[at] = draw(st.integers(0, 255))
        elif kind == 1:
            del data[at : at + draw(st.integers(1, 60))]
        else:
            data[at:at] = draw(st.binary(max_size=40))
        if not data:
            return name, b""
    return name, bytes(data)


@settings(max_examples=300)
@given(damaged(), st.integers(1, 400))
def test_a_damaged_capture_reads_the_same_in_any_pieces(file, step):
    name, data = file
    assert records_of(data, name, step) == records_of(data, name)


@settings(max_examples=200)
@given(st.sampled_from(sorted(FILES)), st.binary(max_size=600), st.integers(1, 50))
def test_any_bytes_read_the_same_in_any_pieces(name, data, step):
    assert records_of(data, name, step) == records_of(data, name)
    behind = FILES[name][:40] + data
    assert records_of(behind, name, step) == records_of(behind, name)


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_capture_fed_byte_by_byte_is_known_by_its_first_bytes(name):
    data = FILES[name]
    assert records_of(data, None, 1) == records_of(data, name)
    reader = open_format(None)
    reader.feed(data[:1])
    reader.feed(data[1:])
    assert reader.form.name == name


@settings(max_examples=300)
@given(
    st.binary(max_size=200), st.sampled_from([b"", b"HEP3", b"\x01\x10", b"\x02\x10"])
)
def test_any_hep_packet_is_read_or_refused(data, start):
    try:
        assert decode(start + data).version in (1, 2, 3)
    except HepError as refused:
        assert refused.rule.startswith("hep_")


def held(reader) -> int:
    """Bytes a packet reader keeps of the past."""
    frames = reader._frames
    flows = sum(flow.held for flow in frames._flows._flows.values())
    return len(reader._data) + flows + frames._fragments._size


def test_memory_is_bounded_whatever_stays_unfinished():
    rng = random.Random(1)
    reader = open_format("pcap")
    reader.feed(pcap())
    head = len(pcap())
    most = 0
    for number in range(400):
        source = f"10.{number % 250}.{rng.randrange(250)}.1"
        part = b"REGISTER sip:x SIP/2.0\r\nX: " + b"x" * 60_000
        ports = (rng.randrange(1, 65_000), 5060)
        frames = [
            ether(ip(tcp(part[:30_000], 1, ports=ports), protocol=6, source=source)),
            ether(
                ip(tcp(part[30_000:], 40_001, ports=ports), protocol=6, source=source)
            ),
            ether(ip(part[:50_000], ident=number, pieces=0x2000, source=source)),
        ]
        records = reader.feed(pcap(*frames)[head:])
        assert all(
            len(one.raw) < 130_000 for one in records if not isinstance(one, Pulse)
        )
        most = max(most, held(reader))
    assert 8_000_000 < most < 26_000_000
