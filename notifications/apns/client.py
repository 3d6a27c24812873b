"""Sends pushes with one key or certificate to one APNs server; every send ends in time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from .answer import Outcome, Result, result_of
from .connecting import Connections
from .connection import Connection, Flight
from .deadlines import Deadlines
from .departures import Departure, Note, nothing_noted
from .errors import Lost, NotProcessed
from .http2 import Header
from .proof import Certificate, proof_of
from .provider_token import Key, ProviderTokens
from .push import ApnsPush
from .tls import context_of
from .tunnel import Proxy


@dataclass(frozen=True, slots=True)
class Server:
    """An APNs server. `ca_pem`: who signs its certificate, None for the system's roots;
    `proxy`: the HTTP proxy before it, if any.
    """

    host: str
    port: int = 443
    ca_pem: str | None = None
    proxy: Proxy | None = None


PRODUCTION = Server("api.push.apple.com")
SANDBOX = Server("api.sandbox.push.apple.com")


class Client:
    """One key or certificate, one server, a few connections. Belongs to one event loop."""

    def __init__(
        self,
        shown: Key | Certificate,
        server: Server,
        tokens: ProviderTokens | None = None,
    ) -> None:
        """`tokens` keeps the provider tokens; without it they last as long as the client."""
        self._proof, self._server = proof_of(shown, tokens), server
        self._connections: Connections | None = None
        self._token, self._fixed = "", []
        self._deadlines = Deadlines()
        self._sends, self._is_retired = 0, False
        self._closing: asyncio.Future | None = None

    async def send(
        self,
        push: ApnsPush,
        deadline_seconds: float,
        note: Note = nothing_noted,
        name: str = "",
    ) -> Result:
        """Send one push. Never raises for what APNs or the network does; never hangs.

        `not_sent` is sure: APNs did not process it. `unknown`: it left, no answer came.
        After ExpiredProviderToken the provider token is renewed, if it may be: the result
        then `is_renewed`, and the next send of the push carries the new one.
        `note` is called with the `name` of each push that is about to be handed to the
        socket, those that leave together in one call.
        """
        flights: list[Flight] = []
        self._sends += 1
        try:
            async with self._deadlines.within(deadline_seconds):
                return await self._send(push, Departure(note, name), flights)
        except TimeoutError:
            words = f"no answer within {deadline_seconds:.1f} s"
            return _given_up(flights[-1:], words + self._trouble())
        except NotProcessed as error:
            return Result(outcome=Outcome.NOT_SENT, detail=str(error))
        except Lost as error:
            return Result(outcome=Outcome.UNKNOWN, detail=str(error))
        finally:
            self._sends -= 1
            self._close_if_retired()

    async def retire(self) -> None:
        """Close as soon as no send is under way; one that comes late is sent all the same."""
        self._is_retired = True
        self._close_if_retired()

    def _close_if_retired(self) -> None:
        if self._is_retired and not self._sends:
            self._closing = asyncio.ensure_future(self.close())

    async def close(self) -> None:
        """Close every connection; what is in flight ends as `unknown`."""
        if self._connections is not None:
            connections, self._connections = self._connections, None
            await connections.close()

    async def _send(
        self, push: ApnsPush, departure: Departure, flights: list[Flight]
    ) -> Result:
        await self._proof.refresh()
        result, token = await self._try(push, departure, flights)
        if result.reason != "ExpiredProviderToken":
            return result
        is_renewed = await self._proof.renewed(token) != token
        return replace(result, is_renewed=is_renewed)

    async def _try(
        self, push: ApnsPush, departure: Departure, flights: list[Flight]
    ) -> tuple[Result, str]:
        """The result, and the provider token it was sent with: the newest at that moment,
        however long the push had waited for a stream.
        """
        token = ""

        def headers() -> list[Header]:
            nonlocal token
            token = self._proof.newest()
            return self._headers(push, token)

        flight = Flight(headers, push.body(), departure)
        flights.append(flight)
        answer = await self._my_connections().send(flight)
        return result_of(answer.status, answer.headers, answer.body), token

    def _trouble(self) -> str:
        """Why no connection opened lately, where none did."""
        why = self._connections.trouble if self._connections is not None else ""
        return f" ({why})" if why else ""

    def _my_connections(self) -> Connections:
        if self._connections is None:
            apns = self._proof.apns(context_of(self._server.ca_pem))
            apns.pool.protocol_class = type(
                "ServerConnection",
                (Connection,),
                {
                    "APNS_SERVER": self._server.host,
                    "APNS_PORT": self._server.port,
                    "BY_TOKEN": self._proof.by_token,
                },
            )
            self._connections = Connections(apns, self._server.host, self._server.proxy)
        return self._connections

    def _headers(self, push: ApnsPush, token: str) -> list[Header]:
        # No device token is ever in the header table.
        if token != self._token or not self._fixed:
            self._token, self._fixed = token, self._same_for_all(token)
        path = f"/3/device/{push.token}".encode()
        return [
            *self._fixed[:2],
            (b":path", path, True),
            *self._fixed[2:],
            *push.headers(),
        ]

    def _same_for_all(self, token: str) -> list[Header]:
        shown = [(b"authorization", f"bearer {token}".encode(), False)] if token else []
        return [
            (b":method", b"POST", False),
            (b":scheme", b"https", False),
            (b":authority", self._server.host.encode(), False),
            *shown,
        ]


def _given_up(flights: list[Flight], words: str) -> Result:
    """The deadline passed: by what is surely known of the newest try."""
    for flight in flights:
        answer = flight.stream.answer() if flight.stream is not None else None
        if answer is not None:  # its status had come, only its end was missing
            return result_of(answer.status, answer.headers, answer.body)
        if flight.departed:
            return Result(outcome=Outcome.UNKNOWN, detail=words)
    return Result(outcome=Outcome.NOT_SENT, detail=f"not sent: {words}")
