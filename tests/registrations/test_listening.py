"""`listen_hep` as a real process: packets over UDP and TCP, refused ones, a stop."""

from __future__ import annotations

import gzip
import signal
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from benchmarks.hep import pump
from registrations.listening import Listening
from registrations.models import Device, Feed, Registration, Sighting
from registrations.sources.hep_gate import Gate
from registrations.sources.hep_listener import Packet
from tests.commands import manage, until
from tests.corpora import CORPORA, needs_corpora, rows
from tests.hep import answer, hep3, noise, register
from tests.server import free_port

pytestmark = pytest.mark.django_db(transaction=True)
KEY = b"s3cret"


@contextmanager
def listening(*options: str) -> Iterator[tuple]:
    """A running listener, its port and a socket that sends to it."""
    port = free_port()
    with (
        manage("listen_hep", "--udp", str(port), "--feed", "hep", *options) as process,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link,
    ):
        link.connect(("127.0.0.1", port))
        until(Feed.objects.filter(followed=True).exists, process)
        time.sleep(0.3)  # the feed is there just before the thread receives
        yield process, link, port


def refused() -> dict[str, int]:
    return Feed.objects.get().refused


def state(**values) -> set[tuple]:
    fields = ("aor", "instance_id", "contact")
    return set(Device.objects.filter(**values).values_list(*fields))


def test_registers_and_their_answers_become_rows_with_the_packets_moment():
    with listening() as (process, link, _):
        at = timezone.now()
        link.send(hep3(register(1, authorized=False), at))
        link.send(hep3(answer(1, status=401), at, source="198.51.100.1"))
        link.send(hep3(register(1, cseq=2), at))
        link.send(hep3(answer(1, cseq=2), at, source="198.51.100.1"))
        until(Registration.objects.exists, process)
    assert Device.objects.get().bound
    assert Registration.objects.get().moment == at
    feed = Feed.objects.get()
    assert feed.kind == Feed.Kind.HEP and feed.seen_until == at and feed.shows_answers


def test_copies_of_one_packet_from_client_and_server_are_one_register():
    with listening() as (process, link, _):
        at = timezone.now()
        for _ in range(3):
            link.send(hep3(register(1), at))
            link.send(hep3(answer(1), at, source="198.51.100.1"))
        link.send(hep3(register(2), at))
        link.send(hep3(answer(2), at))
        until(lambda: Device.objects.filter(bound=True).count() == 2, process)
    assert Registration.objects.count() == Sighting.objects.count() == 2


def test_what_is_no_register_moves_the_watermark_and_nothing_else():
    with listening() as (process, link, _):
        at = timezone.now()
        link.send(hep3(noise(1), at))
        until(lambda: Feed.objects.get().seen_until == at, process)
    assert not Device.objects.exists()


def test_packets_without_the_key_are_refused_and_counted(tmp_path):
    keys = tmp_path / "keys"
    keys.write_bytes(b"# Homer\nother\n" + KEY + b"\n")
    with listening("--key-file", str(keys)) as (process, link, _):
        at = timezone.now()
        link.send(hep3(register(1), at))
        link.send(hep3(register(1), at, key=b"wrong"))
        link.send(b"\x02" + hep3(register(1), at, key=KEY)[1:])
        link.send(b"nonsense")
        link.send(hep3(register(1), at, key=KEY)[:-30])
        until(lambda: sum(refused().values()) >= 5, process)
        assert not Device.objects.exists()
        link.send(hep3(register(2), at, key=KEY))
        until(Device.objects.exists, process)
        assert refused()["key_missing"] == refused()["key_wrong"] == 1
        assert sum(refused().values()) == 5
    assert Device.objects.get().aor == "sip:user2@example.org"


def test_a_sender_that_is_not_on_the_list_is_refused():
    with listening("--allow", "203.0.113.0/24") as (process, link, _):
        link.send(hep3(register(1), timezone.now()))
        until(lambda: refused().get("sender_not_allowed") == 1, process)
    assert not Device.objects.exists()


@needs_corpora
def test_the_packets_of_a_corpus_give_its_final_state():
    corpus = CORPORA / "devices2000-kamailio"
    data = gzip.decompress((corpus / "hep3.bin.gz").read_bytes())
    truth = rows("devices2000-kamailio/truth_devices.jsonl.gz")
    with listening() as (process, link, _):
        at = 0
        while at < len(data):
            size = int.from_bytes(data[at : at + 4], "big")
            link.send(data[at + 12 : at + 12 + size])
            at += 12 + size
        bound = {
            (one["aor"], one["instance"], one["final"]["contact"])
            for one in truth
            if one["final"]["registered"]
        }
        until(lambda: state(bound=True) == bound, process, 60)
    assert Device.objects.count() == len(truth) == 2100
    assert refused() == {}


def test_what_was_received_is_stored_when_it_is_stopped():
    with listening() as (process, link, _):
        at = timezone.now()
        for number in range(500):
            link.send(hep3(register(number), at))
        time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert Device.objects.count() == 500


def test_ten_thousand_packets_a_second_are_taken_without_loss():
    with listening() as (process, _, port):
        sent = pump(port, rate=10_000, seconds=2)
        stored = Registration.objects.count
        until(lambda: stored() == sent.registers == 2000, process, 60)
        time.sleep(1.5)  # what is dropped is counted every second
        assert refused() == {}


def test_hostile_packets_do_not_stop_it():
    good = hep3(register(1), timezone.now())
    with listening() as (process, link, _):
        for size in range(0, len(good), 7):
            link.send(good[:size])
            link.send(good[:4] + struct.pack(">H", size) + good[6:])
            link.send(good[:size] + b"\xff" * 20 + good[size:])
        link.send(hep3(b"REGISTER \0\xff\xfe" * 100, timezone.now()))
        link.send(hep3(register(2), timezone.now()))
        until(lambda: Device.objects.filter(aor__contains="user2@").exists(), process)


def test_the_settings_name_what_no_option_names(settings):
    settings.HEP_UDP = "0.0.0.0:9060"
    with pytest.raises(CommandError, match="not loopback"):
        call_command("listen_hep")
    settings.HEP_ALLOW = ["10.0.0.0/8", "ten"]
    with pytest.raises(CommandError, match="PUSHDASH_HEP_ALLOW: 'ten'"):
        call_command("listen_hep")


def test_an_open_address_needs_a_key_or_a_list():
    with pytest.raises(CommandError, match="not loopback: name --key-file or --allow"):
        call_command("listen_hep", "--udp", "0.0.0.0:9060")


def test_lost_packets_are_a_trouble_that_ends_when_none_is_lost(monkeypatch):
    queue = [[Packet(hep3(noise(n), timezone.now()), time.time())] for n in range(3)]
    listener = SimpleNamespace(
        udp=None, take=lambda most, wait: queue.pop() if queue else []
    )
    gate = Gate()
    heard = Listening("hep", "udp:127.0.0.1:0", listener, gate, timezone.now)
    gate.refused["queue_full"] = 7
    heard.drain()
    assert Feed.objects.get().trouble.startswith("7 packets lost")
    monkeypatch.setattr("registrations.listening.LOSS_SECONDS", 0.0)
    queue.append([Packet(hep3(noise(9), timezone.now()), time.time())])
    heard.drain()
    assert Feed.objects.get().trouble == ""


def test_a_loss_does_not_undo_a_stop():
    taken = []
    listener = SimpleNamespace(
        udp=None, take=lambda most, wait: taken.append(most) or []
    )
    gate = Gate()
    heard = Listening("hep", "udp:127.0.0.1:0", listener, gate, timezone.now)
    heard.ask_to_stop()
    gate.refused["queue_full"] = 7
    heard._store([])
    heard.run()
    assert Feed.objects.get().trouble.startswith("7 packets lost")
    assert taken == []
