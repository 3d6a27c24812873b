"""Apple's rules for provider tokens: not changed more often than each 20 minutes, and one key
a connection.
"""

from __future__ import annotations

from collections.abc import Callable

import jwt

from simulator.checks import Refusal, Request

LEAST_SECONDS = 20 * 60


def is_about_the_key(refusal: Refusal | None) -> bool:
    """True for a refusal of the provider token, which says nothing of the push."""
    return refusal is not None and refusal.status == 403


class TokenChanges:
    """The token each key came with last. `clock`: seconds of the epoch."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._known: dict[str, tuple[str, float]] = {}

    def refuse(self, request: Request) -> Refusal | None:
        """429 when this key's token changed too soon; only for a valid token."""
        token = request.get("authorization").partition(" ")[2]
        key_id = jwt.get_unverified_header(token).get("kid", "")
        known, since = self._known.get(key_id, ("", 0.0))
        if token == known:
            return None
        if known and self._clock() - since < LEAST_SECONDS:
            return Refusal(429, "TooManyProviderTokenUpdates")
        self._known[key_id] = (token, self._clock())
        return None


class OneKey:
    """The key of one connection: the first whose token was valid."""

    def __init__(self) -> None:
        self._team_id = self._key_id = ""

    def refuse(self, request: Request) -> Refusal | None:
        """403 for another team's key, or another key of the team (apns-h2's list)."""
        team_id, key_id = _signer(request)
        if not self._key_id or key_id == self._key_id:
            return None
        reason = "UnrelatedKeyIdInToken"
        if team_id != self._team_id:
            reason = "InvalidProviderToken"
        return Refusal(403, reason)

    def note(self, request: Request) -> None:
        """This request's token was valid."""
        if not self._key_id:
            self._team_id, self._key_id = _signer(request)


def _signer(request: Request) -> tuple[str, str]:
    token = request.get("authorization").partition(" ")[2]
    try:
        key_id = jwt.get_unverified_header(token).get("kid", "")
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        return "", ""
    return claims.get("iss", ""), key_id
