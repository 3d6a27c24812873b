"""`manage.py listen_hep`: copies of SIP messages that servers send as HEP packets."""

from __future__ import annotations

import ipaddress
import signal
from argparse import ArgumentTypeError
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from registrations.feeds import FeedBusy
from registrations.listening import Listening
from registrations.sources.hep_gate import Gate, Network, keys_in
from registrations.sources.hep_listener import Listener

LOOPBACK = "127.0.0.1"
PORT = 9060


class Command(BaseCommand):
    help = (
        "Listen for HEP packets (versions 1 to 3) of Kamailio, OpenSIPS, Asterisk, "
        "FreeSWITCH, heplify or captagent. Without --udp and --tcp: what PUSHDASH_HEP_UDP "
        f"and PUSHDASH_HEP_TCP say, or UDP on {LOOPBACK}:{PORT}. An address beyond "
        "loopback needs --key-file or --allow."
    )

    def add_arguments(self, parser) -> None:
        where = {"metavar": "[HOST:]PORT", "type": _address}
        parser.add_argument(
            "--udp",
            **where,
            default=settings.HEP_UDP or None,
            help="HOST is 127.0.0.1 unless named",
        )
        parser.add_argument(
            "--tcp",
            **where,
            default=settings.HEP_TCP or None,
            help="HEP version 3 only",
        )
        parser.add_argument(
            "--key-file",
            type=Path,
            default=settings.HEP_KEY_FILE or None,
            help="Homer's authentication keys, one a line; others are refused",
        )
        parser.add_argument(
            "--allow",
            metavar="CIDR",
            action="append",
            type=_network,
            help="senders let in, for instance 10.0.0.0/8; can be given again",
        )
        parser.add_argument(
            "--feed", help="name of the feed (default: hep and the port)"
        )

    def handle(self, **options) -> None:
        udp, tcp = options["udp"], options["tcp"]
        if udp is None and tcp is None:
            udp = LOOPBACK, PORT
        networks = options["allow"] or _named(settings.HEP_ALLOW)
        gate = Gate(networks=networks, keys=_keys(options["key_file"]))
        for host, _ in filter(None, (udp, tcp)):
            if gate.is_open and not _is_loopback(host):
                raise CommandError(
                    f"{host} is not loopback: name --key-file or --allow"
                )
        name = options["feed"] or f"hep {(udp or tcp)[1]}"
        try:
            listener = Listener(gate, udp=udp, tcp=tcp)
        except OSError as error:
            raise CommandError(f"cannot listen: {error}") from error
        self._serve(
            Listening(name, _place(udp, tcp), listener, gate, timezone.now), listener
        )

    def _serve(self, listening: Listening, listener: Listener) -> None:
        # In order: the batch at hand is committed, then what is queued.
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, listening.ask_to_stop)
        try:
            listening.open()
            listener.start()
            listening.run()
            listener.stop()
            listening.drain()
        except FeedBusy as error:
            raise CommandError(str(error)) from error
        finally:
            listener.stop()


def _keys(path: Path | None) -> list[bytes]:
    if path is None:
        return []
    try:
        keys = keys_in(path.read_text())
    except OSError as error:
        raise CommandError(f"cannot be read: {error}") from error
    if not keys:
        raise CommandError(f"{path} holds no key")
    return keys


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise ArgumentTypeError(f"{text!r} is no [HOST:]PORT")
    return host.strip("[]") or LOOPBACK, int(port)


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from error


def _named(networks: list[str]) -> list[Network]:
    """Those of the settings."""
    try:
        return [_network(one) for one in networks]
    except ArgumentTypeError as error:
        raise CommandError(f"PUSHDASH_HEP_ALLOW: {error}") from error


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _place(udp: tuple[str, int] | None, tcp: tuple[str, int] | None) -> str:
    named = (("udp", udp), ("tcp", tcp))
    return ", ".join(f"{kind} {one[0]}:{one[1]}" for kind, one in named if one)
