"""One push as APNs wants it: headers, payload, limits (Apple, "Sending notification requests
to APNs").
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from .errors import BadPush
from .http2 import Header

#: Bytes of JSON; a VoIP push may be larger.
LIMITS = {"voip": 5120, "alert": 4096, "background": 4096}
PRIORITIES = {"voip": 10, "alert": 10, "background": 5}
#: A token is opaque hex of even, variable length; this is far above any seen.
TOKEN = re.compile(r"[0-9a-f]{2,400}")
APNS_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
LONGEST_COLLAPSE_ID = 64
#: RFC 9110 §5.5 without what a proxy may mangle: visible ASCII, spaces inside.
HEADER = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApnsPush:
    """A push ready for the wire. Raises BadPush when Apple would refuse it for its form.

    `token` is lower-case hex, `expiration` aware UTC, `apns_id` a lower-case UUID.
    """

    token: str
    topic: str
    push_type: str
    priority: int
    expiration: datetime
    apns_id: str
    collapse_id: str
    payload: dict
    _body: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.push_type not in LIMITS:
            raise BadPush(f"no push type {self.push_type!r}")
        if not TOKEN.fullmatch(self.token) or len(self.token) % 2:
            raise BadPush("the token is not hex")
        if not APNS_ID.fullmatch(self.apns_id):
            raise BadPush("the apns-id is not a lower-case UUID")
        if len(self.collapse_id.encode()) > LONGEST_COLLAPSE_ID:
            raise BadPush("the collapse-id is longer than 64 bytes")
        if (self.push_type == "voip") != self.topic.endswith(".voip"):
            raise BadPush(
                f"topic {self.topic!r} does not go with a {self.push_type} push"
            )
        if not HEADER.fullmatch(self.topic) or (
            self.collapse_id and not HEADER.fullmatch(self.collapse_id)
        ):
            raise BadPush("topic or collapse-id holds what no header may hold")
        object.__setattr__(self, "_body", _as_json(self.payload))
        size = len(self._body)
        if size > LIMITS[self.push_type]:
            raise BadPush(f"payload of {size} bytes, {LIMITS[self.push_type]} allowed")

    def body(self) -> bytes:
        """The payload as JSON."""
        return self._body

    def headers(self) -> list[Header]:
        """The apns-* headers. What differs from push to push stays out of the header table,
        which then keeps the provider token.
        """
        lapses_at = b"%d" % self.expiration.timestamp()
        headers = [
            (b"apns-id", self.apns_id.encode(), True),
            *_repeated(self.topic, self.push_type, self.priority),
            (b"apns-expiration", lapses_at, True),
        ]
        if self.collapse_id:
            headers.append((b"apns-collapse-id", self.collapse_id.encode(), True))
        return headers


@lru_cache(maxsize=64)
def _repeated(topic: str, push_type: str, priority: int) -> list[Header]:
    return [
        (b"apns-topic", topic.encode(), False),
        (b"apns-push-type", push_type.encode(), False),
        (b"apns-priority", b"%d" % priority, False),
    ]


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _as_json(payload: dict) -> bytes:
    try:
        return _ENCODER.encode(payload).encode()
    except (TypeError, ValueError) as error:
        raise BadPush(f"the payload is no JSON: {error}") from error


def topic_of(bundle_id: str, push_type: str) -> str:
    """The topic: the bundle id, `.voip` behind it for a VoIP push."""
    return f"{bundle_id}.voip" if push_type == "voip" else bundle_id


def token_kind(push_type: str) -> str:
    """Which of a device's tokens such a push goes to: a VoIP push to none but `voip`."""
    return "voip" if push_type == "voip" else "remote"


def priority_of(push_type: str) -> int:
    """10, at once; 5 for a background push, where Apple calls 10 an error."""
    return PRIORITIES[push_type]
