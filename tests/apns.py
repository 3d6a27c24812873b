"""A simulated APNs with a few tokens, for tests: real TLS, real HTTP/2."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from notifications.apns import ApnsPush, Client, Key, Server
from simulator.directory import Delivery, Entry

VOIP = "aa" * 32
REMOTE = "bb" * 32
GONE = "cc" * 32


class Clock:
    """Seconds of the epoch, set by hand."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


class Phones:
    """A directory of fixed tokens that remembers what was delivered."""

    def __init__(self) -> None:
        app = {"environment": "production", "bundle_id": "org.example.app"}
        self.entries = {
            VOIP: Entry(kind="voip", **app),
            REMOTE: Entry(kind="remote", **app),
            GONE: Entry(
                kind="remote", status="unregistered", since_ms=1_700_000_000_000, **app
            ),
        }
        self.delivered: list[Delivery] = []

    def find(self, token: str) -> Entry | None:
        return self.entries.get(token)

    def deliver(self, delivery: Delivery) -> None:
        self.delivered.append(delivery)


def push(token: str = VOIP, **changes) -> ApnsPush:
    """A valid VoIP push (alert for the other tokens), with changes."""
    is_voip = token == VOIP
    values = {
        "token": token,
        "topic": "org.example.app" + (".voip" if is_voip else ""),
        "push_type": "voip" if is_voip else "alert",
        "priority": 10,
        "expiration": datetime.now(UTC) + timedelta(seconds=30),
        "apns_id": str(uuid.uuid4()),
        "collapse_id": "",
        "payload": {"aps": {}},
    }
    return ApnsPush(**(values | changes))


def client_of(identity, port: int, tokens=None, **changes) -> Client:
    """A client that speaks to the simulator on `port`."""
    key = {
        "team_id": identity.team_id,
        "key_id": identity.key_id,
        "pem": identity.key_pem,
    }
    server = Server("localhost", port, identity.ca_pem)
    return Client(Key(**(key | changes)), server, tokens)
