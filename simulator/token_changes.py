"""Apple's rule for provider tokens: not changed more often than each 20 minutes."""

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
