"""An APNs server over TLS and HTTP/2: provider tokens, Apple's reasons, scripted faults."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives import serialization

from simulator.checks import (
    Checker,
    Choices,
    Keys,
    Refusal,
    Request,
    token_of,
    topic_of,
)
from simulator.connection import ApnsConnection
from simulator.directory import Delivery, Directory
from simulator.faults import Faults
from simulator.rates import Rate
from simulator.tls import Identity
from simulator.token_changes import TokenChanges, is_about_the_key

#: X509_V_FLAG_NO_CHECK_TIME
NO_CHECK_TIME = ssl.VerifyFlags(0x200000)
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What this server puts up with; 0: anything. `is_lazy`: it gives a window back only
    when it answers.
    """

    pushes_a_second: int = 0
    connections_a_minute: int = 0
    idle_seconds: float = 0.0
    is_lazy: bool = False


class ApnsServer:
    """A running server. `received` counts each apns-id that came in whole,
    `provider_tokens` each token they were sent with, `opened` the connections.
    """

    def __init__(
        self,
        directory: Directory,
        identity: Identity,
        environments: tuple[str, ...] = ("production",),
        faults: Faults | None = None,
        clock: Callable[[], float] = time.time,
        bundle_ids: frozenset[str] | None = None,
        is_strict: bool = False,
        keys: Keys | None = None,
        limits: Limits | None = None,
        choices: Choices | None = None,
    ) -> None:
        """`is_strict`: one stream until a provider token was accepted, the excess refused;
        an expired token ends that trust; a second token within 20 minutes is a 429.
        """
        limits = limits or Limits()
        self.idle_seconds, self.is_lazy = limits.idle_seconds, limits.is_lazy
        self._pushes = Rate(limits.pushes_a_second, 1.0, clock)
        self._dials = Rate(limits.connections_a_minute, 60.0, clock)
        self.is_strict, self._token_changes = is_strict, TokenChanges(clock)
        self.directory, self.identity, self.clock = directory, identity, clock
        self.faults = faults or Faults()
        self.received: Counter[str] = Counter()
        self.provider_tokens: Counter[str] = Counter()
        self.keys = keys or keys_of(identity)
        self._checkers = {
            name: Checker(directory, self.keys, name, clock, bundle_ids, choices)
            for name in environments
        }
        self.opened = 0
        self._server: asyncio.Server | None = None
        self._connections: set[ApnsConnection] = set()
        self.port = 0

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; `port` 0 takes a free one and says which."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: ApnsConnection(self), host, port, ssl=self._tls()
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and cut every connection."""
        for connection in list(self._connections):
            connection.cut()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def connected(self, connection: ApnsConnection) -> None:
        self.opened += 1
        self._connections.add(connection)
        if self._dials.is_passed("connections"):
            logger.warning("denial of service: connections opened too fast")
            connection.cut()

    def disconnected(self, connection: ApnsConnection) -> None:
        self._connections.discard(connection)

    @property
    def connections(self) -> int:
        """How many are open now."""
        return len(self._connections)

    def note(self, request: Request) -> None:
        """A request came in whole."""
        self.received[request.get("apns-id")] += 1
        self.provider_tokens[request.get("authorization")] += 1

    def judge(self, request: Request) -> Refusal | None:
        """Accept (None) or refuse; accepted pushes go to the phones."""
        refusal = self._checkers[self.environment_of(request)].refuse(request)
        is_by_key = request.certificate is None
        if self.is_strict and is_by_key and not is_about_the_key(refusal):
            refusal = self._token_changes.refuse(request) or refusal
        if refusal is None and self._pushes.is_passed(token_of(request)):
            refusal = Refusal(429, "TooManyRequests")
        if refusal is None:
            self.directory.deliver(self._delivery(request))
        return refusal

    def environment_of(self, request: Request) -> str:
        """One port may stand for both of Apple's servers: the token says which."""
        entry = self.directory.find(token_of(request))
        name = entry.environment if entry else ""
        return name if name in self._checkers else next(iter(self._checkers))

    def _delivery(self, request: Request) -> Delivery:
        return Delivery(
            token=token_of(request),
            topic=topic_of(request),
            push_type=request.get("apns-push-type") or "alert",
            priority=int(request.get("apns-priority", "10")),
            expiration=int(request.get("apns-expiration", "0")),
            apns_id=request.get("apns-id"),
            payload=json.loads(request.body),
            received_at=self.clock(),
        )

    def _tls(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(
            self.identity.certificate, self.identity.certificate_key
        )
        context.set_alpn_protocols(["h2"])
        # A certificate may be shown and must be ours; its time is checked as Apple's
        # reasons have it, not by the handshake.
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(cadata=self.identity.ca_pem)
        context.verify_flags |= NO_CHECK_TIME
        return context


def keys_of(identity: Identity) -> Keys:
    """The public half of the identity's `.p8` key."""
    return Keys({identity.key_id: (identity.team_id, public_of(identity.key_pem))})


def public_of(key_pem: str) -> str:
    """The public half of a `.p8` key."""
    private = serialization.load_pem_private_key(key_pem.encode(), None)
    return (
        private.public_key()
        .public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        .decode()
    )
