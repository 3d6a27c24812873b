"""Sends pushes with one key to one APNs server; every send ends within its deadline."""

from __future__ import annotations

import asyncio
import ssl
import time
from dataclasses import dataclass

import jwt
from aioapns import APNs
from aioapns.exceptions import ConnectionError as NoConnection

from .answer import Outcome, Result, result_of
from .connection import Connection, Flight
from .errors import Lost, NotProcessed
from .push import ApnsPush

#: Apple: renew at most every 20, at least every 60 minutes.
TOKEN_SECONDS = 50 * 60
MOST_CONNECTIONS = 4


@dataclass(frozen=True, slots=True)
class Server:
    """An APNs server. `ca_pem`: who signs its certificate, None for the system's roots."""

    host: str
    port: int = 443
    ca_pem: str | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """A `.p8` key: team and key id of 10 characters, the PEM text."""

    team_id: str
    key_id: str
    pem: str


PRODUCTION = Server("api.push.apple.com")
SANDBOX = Server("api.sandbox.push.apple.com")


class Client:
    """One key, one server, a few connections. Belongs to one event loop."""

    def __init__(self, key: Key, server: Server) -> None:
        self._key, self._server = key, server
        self._apns: APNs | None = None
        self._token, self._token_at = "", 0.0

    async def send(self, push: ApnsPush, deadline_seconds: float) -> Result:
        """Send one push. Never raises for what APNs or the network does; never hangs.

        `not_sent` is sure: APNs did not process it. `unknown`: it left, no answer came.
        """
        flight = Flight()
        try:
            async with asyncio.timeout(deadline_seconds):
                return await self._send(push, flight)
        except TimeoutError:
            words = f"no answer within {deadline_seconds:.1f} s"
            if flight.departed:
                return Result(outcome=Outcome.UNKNOWN, detail=words)
            return Result(outcome=Outcome.NOT_SENT, detail=f"not sent: {words}")
        except NotProcessed as error:
            return Result(outcome=Outcome.NOT_SENT, detail=str(error))
        except Lost as error:
            return Result(outcome=Outcome.UNKNOWN, detail=str(error))

    async def close(self) -> None:
        """Close every connection; what is in flight ends as `unknown`."""
        if self._apns is not None:
            for connection in list(self._apns.pool.connections):
                connection.close()
            self._apns = None

    async def _send(self, push: ApnsPush, flight: Flight) -> Result:
        self._provider_token()  # a key that cannot sign opens no connection
        connection = await self._connection()
        await connection.send(self._headers(push), push.body(), flight)
        return result_of(flight.status, flight.headers, flight.body)

    async def _connection(self) -> Connection:
        try:
            return await self._pool().acquire()
        except NoConnection as error:
            why = error.__context__ or error
            raise NotProcessed(
                f"no connection to {self._server.host}: {why}"
            ) from error

    def _pool(self):
        if self._apns is None:
            self._apns = APNs(
                key=self._key.pem,
                key_id=self._key.key_id,
                team_id=self._key.team_id,
                topic="set for each push",
                max_connections=MOST_CONNECTIONS,
                max_connection_attempts=1,
                ssl_context=self._tls(),
            )
            self._apns.pool.protocol_class = type(
                "ServerConnection",
                (Connection,),
                {"APNS_SERVER": self._server.host, "APNS_PORT": self._server.port},
            )
        return self._apns.pool

    def _tls(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cadata=self._server.ca_pem or None)
        except (ssl.SSLError, ValueError) as error:
            raise NotProcessed(f"the CA file cannot be read: {error}") from error
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["h2"])
        return context

    def _headers(self, push: ApnsPush) -> list[tuple[str, str]]:
        return [
            (":method", "POST"),
            (":scheme", "https"),
            (":path", f"/3/device/{push.token}"),
            (":authority", self._server.host),
            ("authorization", f"bearer {self._provider_token()}"),
            *push.headers(),
        ]

    def _provider_token(self) -> str:
        now = time.time()
        if not self._token or now - self._token_at > TOKEN_SECONDS:
            self._token, self._token_at = self._signed(now), now
        return self._token

    def _signed(self, now: float) -> str:
        try:
            return jwt.encode(
                {"iss": self._key.team_id, "iat": int(now)},
                self._key.pem,
                algorithm="ES256",
                headers={"kid": self._key.key_id},
            )
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise NotProcessed(f"the .p8 key cannot sign: {error}") from error
