"""A plain HTTP/2 client that asks APNs whatever a test wants, right or wrong."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
import uuid
from dataclasses import dataclass

import jwt
from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection

from simulator.tls import Identity
from tests.apns import VOIP


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def reason(self) -> str:
        return json.loads(self.body)["reason"] if self.body else ""


def valid_headers(identity: Identity, token: str) -> dict[str, str | None]:
    is_voip = token == VOIP
    return {
        ":method": "POST",
        ":scheme": "https",
        ":path": f"/3/device/{token}",
        ":authority": "localhost",
        "authorization": f"bearer {provider_token(identity)}",
        "apns-id": str(uuid.uuid4()),
        "apns-topic": "org.example.app" + (".voip" if is_voip else ""),
        "apns-push-type": "voip" if is_voip else "alert",
        "apns-priority": "10",
        "apns-expiration": "0",
    }


def provider_token(
    identity: Identity, *, age: int = 0, pem: str = "", **changes
) -> str:
    claims = {"iss": identity.team_id, "iat": int(time.time()) - age}
    claims |= {key: value for key, value in changes.items() if key in {"iss", "iat"}}
    algorithm = changes.get("algorithm", "ES256")
    return jwt.encode(
        claims,
        None if algorithm == "none" else pem or identity.key_pem,
        algorithm=algorithm,
        headers={"kid": changes.get("kid", identity.key_id)},
    )


async def post(
    identity: Identity, port: int, headers: list, pieces: list[bytes]
) -> Reply:
    tls = ssl.create_default_context(cadata=identity.ca_pem)
    tls.set_alpn_protocols(["h2"])
    reader, writer = await asyncio.open_connection("localhost", port, ssl=tls)
    # Faulty requests are the point here, so h2 must not mend or refuse them.
    config = H2Configuration(
        header_encoding="utf-8",
        validate_outbound_headers=False,
        normalize_outbound_headers=False,
    )
    http2 = H2Connection(config)
    http2.initiate_connection()
    http2.send_headers(1, headers, end_stream=not any(pieces))
    for piece in [piece for piece in pieces if piece]:
        http2.send_data(1, piece, piece is pieces[-1], pad_length=7)
    try:
        return await reply_of(http2, reader, writer)
    finally:
        writer.close()
        await writer.wait_closed()


async def reply_of(http2: H2Connection, reader, writer) -> Reply:
    headers: dict[str, str] = {}
    body = b""
    while True:
        writer.write(http2.data_to_send())
        received = await reader.read(65_536)
        if not received:
            raise ConnectionResetError("the server hung up without an answer")
        for event in http2.receive_data(received):
            if isinstance(event, events.ResponseReceived):
                headers = dict(event.headers)
            elif isinstance(event, events.DataReceived):
                body += event.data
            elif isinstance(event, events.StreamEnded):
                return Reply(int(headers[":status"]), headers, body)
