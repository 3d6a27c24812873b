"""`listen_hep` over TCP, and what it takes of versions 1 and 2."""

from __future__ import annotations

import socket
import struct
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from registrations.models import Device, Registration
from tests.commands import until
from tests.hep import hep3, register
from tests.registrations.test_listening import KEY, listening, refused
from tests.server import free_port

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_silent_tcp_sender_is_asked_whether_it_is_still_there():
    tcp = free_port()
    with (
        listening("--tcp", str(tcp)) as (process, _, _),
        socket.create_connection(("127.0.0.1", tcp)),
    ):
        until(lambda: timer_of(tcp) == "02", process)  # keepalive


def timer_of(port: int) -> str:
    """Which timer runs on the accepted connection of a local port (proc(5), net/tcp)."""
    with open("/proc/net/tcp") as table:
        rows = [row.split() for row in table]
    own = [row for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "01"]
    return own[0][5].partition(":")[0] if own else ""


def test_tcp_takes_packets_in_any_pieces_and_cuts_what_is_none():
    tcp = free_port()
    with listening("--tcp", str(tcp)) as (process, _, _):
        at = timezone.now()
        stream = b"".join(hep3(register(number), at) for number in (1, 2, 3))
        with socket.create_connection(("127.0.0.1", tcp)) as link:
            for start in range(0, len(stream), 100):
                link.sendall(stream[start : start + 100])
            until(lambda: Device.objects.count() == 3, process)
        with socket.create_connection(("127.0.0.1", tcp)) as link:
            link.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert link.recv(10) == b""
        with socket.create_connection(("127.0.0.1", tcp)) as link:
            link.sendall(b"HEP3\xff\xff half a packet")
        until(lambda: refused() == {"tcp_framing": 1, "tcp_cut": 1}, process)


def test_over_tcp_the_key_decides_packet_by_packet(tmp_path):
    keys, tcp = tmp_path / "keys", free_port()
    keys.write_bytes(KEY)
    options = "--tcp", str(tcp), "--key-file", str(keys), "--allow", "127.0.0.0/8"
    with (
        listening(*options) as (process, _, _),
        socket.create_connection(("127.0.0.1", tcp)) as link,
    ):
        at = timezone.now()
        link.sendall(hep3(register(1), at) + hep3(register(2), at, key=b"wrong"))
        link.sendall(hep3(register(3), at, key=KEY))
        until(Device.objects.exists, process)
        until(lambda: refused() == {"key_missing": 1, "key_wrong": 1}, process)
    assert Device.objects.get().aor == "sip:user3@example.org"


def test_over_tcp_a_sender_that_is_not_on_the_list_is_not_heard():
    tcp = free_port()
    with (
        listening("--tcp", str(tcp), "--allow", "203.0.113.0/24") as (process, _, _),
        socket.create_connection(("127.0.0.1", tcp)) as link,
    ):
        assert link.recv(10) == b""
        until(lambda: refused() == {"sender_not_allowed": 1}, process)
    assert not Device.objects.exists()


def older(version: int, number: int, at: datetime) -> bytes:
    """A packet of version 1 or 2, which carry no key."""
    return head(version, at) + register(number)


def head(version: int, at: datetime) -> bytes:
    stamp = struct.pack("<IIHH", int(at.timestamp()), at.microsecond, 2001, 0)
    fixed = struct.pack(">BBBBHH", version, 16, 2, 17, 5060, 5060)
    ends = socket.inet_aton("192.0.2.7") + socket.inet_aton("192.0.2.1")
    return fixed + ends + (stamp if version == 2 else b"")


def test_without_a_key_versions_1_and_2_are_taken_over_udp():
    with listening() as (process, link, _):
        at = timezone.now()
        link.send(older(1, 1, at))
        link.send(older(2, 2, at - timedelta(seconds=5)))
        until(lambda: Device.objects.count() == 2, process)
    second = Registration.objects.get(device__aor="sip:user2@example.org")
    assert second.moment == at - timedelta(seconds=5)
    first = Registration.objects.get(device__aor="sip:user1@example.org")
    assert at < first.moment < timezone.now(), "version 1 has the time of arrival"
    assert refused() == {}


@pytest.mark.parametrize("step", [1, 100, 100_000])
def test_over_tcp_the_sip_inside_frames_versions_1_and_2(step):
    tcp, at = free_port(), timezone.now()
    body = register(3).replace(
        b"Content-Length: 0\r\n\r\n", b"l: 8\r\n\r\n\r\n\r\n\x01\x10xx"
    )
    packets = [older(1, 1, at), older(2, 2, at), hep3(register(4), at)]
    packets += [head(2, at) + b"\r\n\r\n", head(1, at) + body, older(2, 5, at)]
    stream = b"".join(packets)
    with (
        listening("--tcp", str(tcp)) as (process, _, _),
        socket.create_connection(("127.0.0.1", tcp)) as link,
    ):
        for start in range(0, len(stream), step):
            link.sendall(stream[start : start + step])
        until(lambda: Device.objects.count() == 5, process)
    assert refused() == {}


UNFRAMED = {
    "no Content-Length": register(1).replace(b"Content-Length: 0\r\n", b""),
    "two of them": register(1).replace(b"Content-Length: 0\r\n", b"l: 0\r\nl: 9\r\n"),
    "one that is too long": register(1).replace(b"Length: 0", b"Length: 70000"),
    "no end": b"REGISTER sip:e.org SIP/2.0\r\n" + b"x" * 70_000,
    "no SIP": b"\x16\x03\x01 ciphertext\n\nL: 0\n\n",
}


@pytest.mark.parametrize("name", UNFRAMED)
def test_over_tcp_what_cannot_be_framed_ends_the_connection_with_its_reason(name):
    tcp, at = free_port(), timezone.now()
    with listening("--tcp", str(tcp)) as (process, _, _):
        with socket.create_connection(("127.0.0.1", tcp)) as link:
            link.sendall(older(2, 7, at) + head(2, at) + UNFRAMED[name])
            assert ended(link)
        with socket.create_connection(("127.0.0.1", tcp)) as link:
            link.sendall(older(2, 8, at))
            until(lambda: Device.objects.count() == 2, process)
    assert refused() == {"tcp_unframed": 1}


def ended(link: socket.socket) -> bool:
    """True when the other side closed, with bytes of ours unread or not."""
    try:
        return link.recv(10) == b""
    except ConnectionResetError:
        return True


def test_with_a_key_versions_1_and_2_are_not_heard_over_tcp_either(tmp_path):
    keys, tcp, at = tmp_path / "keys", free_port(), timezone.now()
    keys.write_bytes(KEY)
    options = "--tcp", str(tcp), "--key-file", str(keys)
    with (
        listening(*options) as (process, _, _),
        socket.create_connection(("127.0.0.1", tcp)) as link,
    ):
        link.sendall(older(2, 1, at) + hep3(register(2), at, key=KEY))
        until(Device.objects.exists, process)
        until(lambda: refused() == {"key_missing": 1}, process)
    assert Device.objects.get().aor == "sip:user2@example.org"
