"""The simulated APNs by itself, for any sender: every token is known, except where its first
characters say otherwise.
"""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from simulator.admin import Admin
from simulator.apns import ApnsServer, Limits, keys_of, public_of
from simulator.certificates import as_pem, make
from simulator.checks import Choices, Keys
from simulator.device import Devices
from simulator.directory import Delivery, Entry
from simulator.faults import Faults, read_faults
from simulator.phone import IosRule
from simulator.tls import Identity, make_identity, make_key

#: How a token begins that is gone (410), and one that is nobody's (BadDeviceToken).
GONE, NOBODYS = "dead", "bad0"
GONE_SINCE_MS = 1_700_000_000_000
KEY = re.compile(r"([A-Z0-9]{10}):([A-Z0-9]{10})(?::(production|sandbox))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Alone:
    """What to run: `folder` keeps keys and certificates, port 0 takes a free one."""

    folder: Path
    bundle_id: str
    environment: str = "production"
    port: int = 0
    admin_port: int = 0
    faults: Path | None = None
    is_strict: bool = False
    pushes_a_second: int = 0
    connections_a_minute: int = 0
    idle_seconds: float = 0.0
    foreign_topic: str = "TopicDisallowed"
    future_token: str = "InvalidProviderToken"
    refuses_background_at_ten: bool = True
    #: Unreported calls in a row until iOS launches the app no more, and how long that lasts
    #: (None: until a reinstall).
    threshold: int = 3
    release_seconds: float | None = None
    #: More keys: `TEAM:KEY`, or `TEAM:KEY:ENVIRONMENT` for one of that environment alone.
    more_keys: tuple[str, ...] = ()


class AnyToken:
    """Every token is of the one app: VoIP when it ends in 8…f, remote otherwise; what
    happens on its device is in `devices`.
    """

    def __init__(self, wanted: Alone) -> None:
        self._wanted = wanted
        release = wanted.release_seconds
        self.devices = Devices(
            IosRule(threshold=wanted.threshold),
            None if release is None else timedelta(seconds=release),
        )
        self._changed: dict[str, Entry] = {}

    def change(self, token: str, status: str) -> None:
        """Let a token be `valid`, `unregistered` or `expired` from now on."""
        if status not in {"valid", "unregistered", "expired"}:
            raise ValueError(f"no token is {status!r}")
        entry = self.find(token)
        if entry is None:
            raise ValueError("nobody has this token")
        since_ms = 0 if status == "valid" else int(time.time() * 1000)
        self._changed[token] = replace(entry, status=status, since_ms=since_ms)

    def find(self, token: str) -> Entry | None:
        """What is known of it: what was said of it, else by its first and last characters."""
        if token in self._changed:
            return self._changed[token]
        if token.startswith(NOBODYS):
            return None
        is_gone = token.startswith(GONE)
        return Entry(
            environment=self._wanted.environment,
            bundle_id=self._wanted.bundle_id,
            kind="voip" if token[-1:] in "89abcdef" else "remote",
            status="unregistered" if is_gone else "valid",
            since_ms=GONE_SINCE_MS if is_gone else 0,
        )

    def deliver(self, delivery: Delivery) -> None:
        """One JSON line a push; then it goes to its device."""
        self.devices.deliver(delivery)
        line = {
            "apns_id": delivery.apns_id,
            "topic": delivery.topic,
            "type": delivery.push_type,
            "token": f"{delivery.token[:6]}…{delivery.token[-4:]}",
        }
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
        sys.stdout.flush()


def more_keys(texts: Iterable[str], identity: Identity) -> Keys:
    """The keys the server trusts: the identity's and these, made in its folder. Raises
    ValueError for a text that names none.
    """
    by_id, environment_of = dict(keys_of(identity).by_id), {}
    for text in texts:
        found = KEY.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no TEAM:KEY or TEAM:KEY:ENVIRONMENT")
        team_id, key_id, environment = found.groups()
        if key_id in by_id:
            raise ValueError(f"key {key_id} stands twice")
        by_id[key_id] = team_id, public_of(make_key(_p8(identity, key_id)))
        if environment:
            environment_of[key_id] = environment
    return Keys(by_id, environment_of)


def _p8(identity: Identity, key_id: str) -> Path:
    return identity.folder / f"AuthKey_{key_id}.p8"


def _client_certificate(identity: Identity, bundle_id: str) -> Path:
    """For a sender with a certificate; good in both environments, for a year."""
    path = identity.folder / f"{bundle_id}.pem"
    path.touch(mode=0o600)
    path.write_text(as_pem(*make(identity, bundle_id)))
    return path


async def run(wanted: Alone) -> None:
    """Serve until SIGTERM or SIGINT. Raises ValueError for a faults file that is none."""
    script = read_faults(wanted.faults.read_text()) if wanted.faults else []
    identity = make_identity(wanted.folder)
    keys = more_keys(wanted.more_keys, identity)
    tokens = AnyToken(wanted)
    server = ApnsServer(
        tokens,
        identity,
        (wanted.environment,),
        Faults(script),
        is_strict=wanted.is_strict,
        keys=keys,
        limits=Limits(
            pushes_a_second=wanted.pushes_a_second,
            connections_a_minute=wanted.connections_a_minute,
            idle_seconds=wanted.idle_seconds,
        ),
        # No other topic than the bundle's: then a foreign one is told from a foreign token.
        bundle_ids=frozenset([wanted.bundle_id]),
        choices=Choices(
            foreign_topic=wanted.foreign_topic,
            future_token=wanted.future_token,
            refuses_background_at_ten=wanted.refuses_background_at_ten,
        ),
    )
    admin, stop = Admin(server, tokens), asyncio.Event()
    await server.start(port=wanted.port)
    await admin.start(wanted.admin_port)
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    ready = {
        "apns": f"localhost:{server.port}",
        "admin": f"http://127.0.0.1:{admin.port}/",
        "team_id": identity.team_id,
        "key_id": identity.key_id,
        "p8": str(wanted.folder / "AuthKey.p8"),
        "ca": str(wanted.folder / "ca.pem"),
        "client_certificate": str(_client_certificate(identity, wanted.bundle_id)),
        "more_keys": [
            {"team_id": team, "key_id": name, "p8": str(_p8(identity, name))}
            for name, (team, _) in keys.by_id.items()
            if name != identity.key_id
        ],
    }
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
    await stop.wait()
    await admin.close()
    await server.close()
