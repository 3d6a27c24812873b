"""Provider tokens (JWT, ES256): one a team and key, for every process that sends.

Apple: renew at least each 60 minutes, never more often than each 20, and never after a 429.
Where processes share a `Shelf`, the first that finds none signs and the others take its.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import jwt

from .errors import NotProcessed

#: Apple: an hour is the end, 20 minutes the least.
RENEW_SECONDS, LEAST_SECONDS = 50 * 60, 20 * 60
#: After an ExpiredProviderToken: clocks that differ need no waiting, a young token does.
LONGEST_SKEW_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Key:
    """A `.p8` key: team and key id of 10 characters, the PEM text."""

    team_id: str
    key_id: str
    pem: str

    @property
    def name(self) -> str:
        """Tells this key from every other, a false PEM under the same id included."""
        digest = hashlib.sha256(self.pem.encode()).hexdigest()[:16]
        return f"{self.team_id}/{self.key_id}/{digest}"


@dataclass(frozen=True, slots=True)
class ProviderToken:
    """A signed token and the second of the epoch it was issued at."""

    text: str
    issued_at: int


class Shelf(Protocol):
    """Where processes share tokens, each under `Key.name`. Blocking; called in a thread.

    May raise NotProcessed when it cannot be reached: the push can wait.
    """

    def take(self, name: str) -> ProviderToken | None:
        """The token all of them use, None when there is none."""

    def put(
        self, name: str, token: ProviderToken, old: ProviderToken | None
    ) -> ProviderToken:
        """Put `token` in place of `old`; returns what now stands there: another's token
        when that one was faster.
        """


class OwnShelf:
    """A shelf for one process alone."""

    def __init__(self) -> None:
        self._tokens: dict[str, ProviderToken] = {}

    def take(self, name: str) -> ProviderToken | None:
        return self._tokens.get(name)

    def put(
        self, name: str, token: ProviderToken, old: ProviderToken | None
    ) -> ProviderToken:
        standing = self._tokens.get(name)
        if standing is None or standing == old:
            self._tokens[name] = standing = token
        return standing


class ProviderTokens:
    """Tokens ready for use. `clock`: seconds of the epoch."""

    def __init__(
        self, shelf: Shelf | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._shelf, self._clock = shelf or OwnShelf(), clock
        self._mine: dict[Key, ProviderToken] = {}
        self._lock = asyncio.Lock()

    async def current(self, key: Key) -> str:
        """The token to send with. Raises NotProcessed when the key cannot sign."""
        token = self._mine.get(key)
        if token is None or self._is_old(token):
            async with self._lock:
                token = self._mine.get(key)
                if token is None or self._is_old(token):
                    token = await asyncio.to_thread(self._fetch, key)
        return token.text

    def newest(self, key: Key) -> str:
        """The token this process has, after `current`."""
        return self._mine[key].text

    async def renewed(self, key: Key, refused: str) -> str:
        """After ExpiredProviderToken: the token for the next try.

        The same text when the refused one is younger than 20 minutes: then a clock is
        wrong, and another token would be answered with 429.
        """
        async with self._lock:
            token = self._mine.get(key)
            if token is not None and token.text == refused and self._may_renew(token):
                token = await asyncio.to_thread(self._replace, key, token)
        return token.text if token is not None else refused

    def _fetch(self, key: Key) -> ProviderToken:
        standing = self._shelf.take(key.name)
        if standing is None or self._is_old(standing):
            return self._replace(key, standing)
        self._mine[key] = standing
        return standing

    def _replace(self, key: Key, old: ProviderToken | None) -> ProviderToken:
        new = sign(key, int(self._clock()))
        token = self._shelf.put(key.name, new, old)
        self._mine[key] = token
        return token

    def _is_old(self, token: ProviderToken) -> bool:
        age = self._clock() - token.issued_at
        # A token of the future was signed by a clock that has been set back since.
        return age >= RENEW_SECONDS or age < -LONGEST_SKEW_SECONDS

    def _may_renew(self, token: ProviderToken) -> bool:
        return self._clock() - token.issued_at >= LEAST_SECONDS


def sign(key: Key, issued_at: int) -> ProviderToken:
    """A new token. Raises NotProcessed when the key cannot sign."""
    try:
        text = jwt.encode(
            {"iss": key.team_id, "iat": issued_at},
            key.pem,
            algorithm="ES256",
            headers={"kid": key.key_id},
        )
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise NotProcessed(f"the .p8 key cannot sign: {error}") from error
    return ProviderToken(text, issued_at)
