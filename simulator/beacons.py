"""What apps say by themselves: beacons as `docs/beacons.md` describes them, posted to pushdash.

`beacons.json` beside the fleet says where to and with which secret; without it, and for an app
that it does not name, nothing is said.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger(__name__)

PLACE = "beacons.json"
PATIENCE_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """What an app wants to say: which call woke it (none: it came to the foreground), when."""

    bundle_id: str
    token: str
    call_id: str
    at_ms: int


def body_of(spoken: Spoken, secret: str) -> bytes:
    """The beacon, signed."""
    token = hashlib.sha256(spoken.token.lower().encode()).hexdigest()
    said = f"{token}\n{spoken.call_id}\n{spoken.at_ms}".encode()
    body = {
        "app": spoken.bundle_id,
        "token": token,
        "call_id": spoken.call_id,
        "at": spoken.at_ms,
        "hmac": hmac.new(secret.encode(), said, hashlib.sha256).hexdigest(),
    }
    return json.dumps(body).encode()


class Speaker:
    """Posts beacons, in a thread of its own: time goes on while pushdash is away."""

    def __init__(self, folder: Path) -> None:
        self._place = folder / PLACE
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="beacons")

    def say(self, spoken: list[Spoken]) -> None:
        """Send these off."""
        if spoken and self._place.exists():
            self._thread.submit(self._post_all, spoken)

    def _post_all(self, spoken: list[Spoken]) -> None:
        told = json.loads(self._place.read_text())
        for one in spoken:
            if secret := told["secrets"].get(one.bundle_id):
                self._post(told["url"], body_of(one, secret))

    def _post(self, url: str, body: bytes) -> None:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(url, body, headers)
        try:
            urllib.request.urlopen(request, timeout=PATIENCE_SECONDS).close()
        except OSError as error:
            # As a phone without network: it said nothing.
            logger.warning("beacon not taken: %s", error)
