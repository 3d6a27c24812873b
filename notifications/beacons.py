"""An app's own word that it handled a push: read, and checked against the app's secrets.

Pure. `docs/beacons.md` tells app developers how one is made.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

OLDEST = timedelta(minutes=5)
#: A phone's clock may be this far ahead of ours.
AHEAD = timedelta(seconds=60)
LONGEST_BYTES = 4096
LONGEST_TEXT = 255
DIGEST = re.compile(r"[0-9a-f]{64}")
#: Milliseconds of the epoch, up to the year 2248.
LATEST_MS = 2**43


class BeaconRefused(Exception):
    """`error` is one word, counted and answered; `why` says it to the app's developer."""

    def __init__(
        self, status: int, error: str, why: str, retry_after: int | None = None
    ) -> None:
        super().__init__(why)
        self.status, self.error, self.why = status, error, why
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True, kw_only=True)
class Beacon:
    """What an app says: the voip token it has, by its SHA-256, and which call woke it.

    An empty `call_id`: the app came to the foreground by itself. `at`: by the phone's clock.
    """

    bundle_id: str
    fingerprint: str
    call_id: str
    at: datetime
    signature: str = ""

    @property
    def at_ms(self) -> int:
        """Milliseconds of the epoch, as it was sent."""
        return (self.at - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1)

    @property
    def line(self) -> str:
        """What was said, without the signature: the line a verdict shows."""
        said = {
            "app": self.bundle_id,
            "token": self.fingerprint,
            "call_id": self.call_id,
            "at": self.at_ms,
        }
        return json.dumps(said, ensure_ascii=False)


def fingerprint_of(token: str) -> str:
    """SHA-256 of a token in lower-case hex, itself in lower-case hex."""
    return hashlib.sha256(token.lower().encode()).hexdigest()


def sign(secret: str, beacon: Beacon) -> str:
    """HMAC-SHA-256 over fingerprint, Call-ID and time, a line each; in hex."""
    said = f"{beacon.fingerprint}\n{beacon.call_id}\n{beacon.at_ms}"
    return hmac.new(secret.encode(), said.encode(), hashlib.sha256).hexdigest()


def read_beacon(body: bytes) -> Beacon:
    """The beacon of a request's body. Raises BeaconRefused."""
    if len(body) > LONGEST_BYTES:
        raise _unreadable(f"a beacon has at most {LONGEST_BYTES} bytes")
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        raise _unreadable("the body is no JSON") from None
    if not isinstance(said, dict):
        raise _unreadable("the body is no JSON object")
    return Beacon(
        bundle_id=_text(said, "app"),
        fingerprint=_digest(said, "token"),
        call_id=_text(said, "call_id"),
        at=_moment(said.get("at")),
        signature=_digest(said, "hmac"),
    )


def check(beacon: Beacon, secrets: Sequence[str], now: datetime) -> None:
    """Raises BeaconRefused where no secret made it, or it is not of just now."""
    # Every secret is compared, so that time tells nothing.
    fits = [
        hmac.compare_digest(sign(secret, beacon), beacon.signature)
        for secret in secrets
    ]
    if not any(fits):
        raise BeaconRefused(403, "forged", "the hmac does not fit")
    if now - beacon.at > OLDEST:
        raise BeaconRefused(422, "stale", "it is more than 5 minutes old")
    if beacon.at - now > AHEAD:
        raise BeaconRefused(422, "stale", "its time is more than 60 s ahead of ours")


def _text(said: dict, name: str) -> str:
    text = said.get(name)
    if not isinstance(text, str) or len(text) > LONGEST_TEXT or not text.isprintable():
        raise _unreadable(f"{name} must be a text of at most {LONGEST_TEXT} characters")
    return text


def _digest(said: dict, name: str) -> str:
    text = said.get(name)
    if not isinstance(text, str) or not DIGEST.fullmatch(text.lower()):
        raise _unreadable(f"{name} must be 64 hexadecimal digits")
    return text.lower()


def _moment(said: object) -> datetime:
    if type(said) is not int or not 0 <= said < LATEST_MS:
        raise _unreadable("at must be whole milliseconds since 1970")
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=said)


def _unreadable(why: str) -> BeaconRefused:
    return BeaconRefused(400, "unreadable", why)
