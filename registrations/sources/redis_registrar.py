"""Flexisip's registrar in Redis (SIP.md §3). Reads only: SCAN, HGETALL, SUBSCRIBE, PING.

No Django here. Bytes that are no UTF-8 stay visible as escapes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit, urlunsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from registrations.bindings import Binding, NotABinding
from registrations.bindings.binding import Listing
from registrations.bindings.flexisip import KEY_PREFIX, read_value

#: Keys asked for in one round trip.
AT_ONCE = 500
PATIENCE_SECONDS = 5.0
#: Channels of Flexisip are `user@domain`, or the domain alone of an AOR without a user, which
#: no pattern tells from others'. PING is answered behind every message before it.
CHANNELS = "*"
OF_FLEXISIP = re.compile(r"[^@]*@.*|[\w-]+(?:\.[\w-]+)+|\[[\da-fA-F:.]+\]", re.S)
#: Redis' own channels hold an @ too.
OF_REDIS = "__key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hash:
    """What the registrar holds of one AOR: its key, and what each field gave."""

    key: str
    found: list[Binding | NotABinding]

    @property
    def bindings(self) -> list[Binding]:
        """Those that are bindings."""
        return [one for one in self.found if isinstance(one, Binding)]


def connect(url: str) -> redis.Redis:
    """A client of the registrar. Raises redis.RedisError later, at the first command."""
    return redis.Redis.from_url(
        url,
        # No silent reconnection: what is published meanwhile would be missed.
        retry=Retry(NoBackoff(), 0),
        socket_timeout=PATIENCE_SECONDS,
        socket_connect_timeout=PATIENCE_SECONDS,
        # RESP2: PING of a subscriber is answered in order, on any server.
        protocol=2,
        decode_responses=True,
        encoding_errors="backslashreplace",
    )


def shown(url: str) -> str:
    """The URL without its password."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def keys(client: redis.Redis) -> Iterator[list[str]]:
    """The keys of all AORs, some at a time; one may come twice (SCAN's promise)."""
    batch: list[str] = []
    for key in client.scan_iter(f"{KEY_PREFIX}*", count=AT_ONCE):
        batch.append(key)
        if len(batch) >= AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def read(
    client: redis.Redis, batch: list[str], now: datetime, domain: str | None
) -> list[Hash]:
    """What the registrar holds under these keys at `now`."""
    listing = Listing(taken_at=now, domain=domain)
    pipeline = client.pipeline(transaction=False)
    for key in batch:
        pipeline.hgetall(key)
    answers = pipeline.execute(raise_on_error=False)
    return [
        Hash(key=key, found=_found(key, answer, listing))
        for key, answer in zip(batch, answers, strict=True)
    ]


def _found(key: str, answer: object, listing: Listing) -> list[Binding | NotABinding]:
    if isinstance(answer, redis.ResponseError):
        # WRONGTYPE: somebody else's key under the same prefix.
        return [NotABinding(rule="key_type", detail=str(answer), entry=key)]
    if isinstance(answer, Exception):
        raise answer
    return [read_value(key, field, value, listing) for field, value in answer.items()]


class Changes:
    """What the registrar publishes: keys whose bindings changed, and signs that it lives."""

    def __init__(self, client: redis.Redis) -> None:
        database = client.get_connection_kwargs().get("db") or 0
        self._expired = f"__keyevent@{database}__:expired"
        self._pubsub = client.pubsub()
        self._pubsub.psubscribe(CHANNELS)
        self._pubsub.subscribe(self._expired)

    def next(self, timeout_seconds: float) -> str | None:
        """The next key that changed; "" for an answered PING; None for nothing yet."""
        message = self._pubsub.get_message(timeout=timeout_seconds)
        kind = message["type"] if message else None
        if kind == "pong":
            return ""
        if kind == "message":
            key = str(message["data"])
            return key if key.startswith(KEY_PREFIX) else None
        return _key_of(message["channel"]) if kind == "pmessage" else None

    def ping(self) -> None:
        """Ask for a sign that everything published before has reached us."""
        self._pubsub.ping()

    def close(self) -> None:
        """Let the connection go."""
        self._pubsub.close()


def _key_of(channel: str) -> str | None:
    if channel.startswith(OF_REDIS) or not OF_FLEXISIP.fullmatch(channel):
        return None
    return f"{KEY_PREFIX}{channel}"
