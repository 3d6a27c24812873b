"""What APNs answers, and what each reason means (Apple, "Handling notification responses").

`REASONS` is the one table: delivery retries by it and pages explain with it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum


class Outcome(Enum):
    """How a try ended."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One try's end. `reason` is Apple's word, `detail` ours where Apple gave none."""

    outcome: Outcome
    status: int | None = None
    reason: str = ""
    detail: str = ""
    apns_id: str | None = None
    apns_unique_id: str | None = None
    #: Apple's timestamp of a 410: since when the token is surely no longer valid.
    gone_since: datetime | None = None
    #: The provider token that was refused is replaced: the push may be sent again at once.
    is_renewed: bool = False
    #: Seconds APNs asks to wait before another try (RFC 9110 §10.2.3).
    retry_after: int | None = None


class Kind(Enum):
    """What a reason is about, and so who can mend it."""

    REQUEST = "request"  #: what we sent
    GONE = "gone"  #: a token that is no longer valid
    ELSEWHERE = "elsewhere"  #: a token of the other environment
    OTHER_TOPIC = "other_topic"  #: a token of another app or service
    CREDENTIAL = "credential"  #: the key or certificate
    PACE = "pace"  #: how often
    SERVER = "server"  #: Apple's side


@dataclass(frozen=True, slots=True)
class Reason:
    """One of Apple's reasons: its kind, what it means, what to do, and whether the same
    push may safely be sent again.
    """

    name: str
    status: int
    kind: Kind
    meaning: str
    remedy: str
    retry_safe: bool = False


#: APNs began in 2009: what is said of before, or of another century, is no moment.
EARLIEST, LATEST = datetime(2009, 6, 17, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_WORD = re.compile(r"[A-Za-z]{1,64}")
_SECONDS = re.compile(r"[0-9]{1,9}")
_ID = re.compile(r"[A-Za-z0-9._:\-]{1,64}")
_OURS = "Fix the request: this is an error of the sender, not of the phone."
_KEY = "Check the key, its id and the team on Settings; replace it if it was revoked."
_GONE = "The app was removed or got a new token. The next REGISTER brings a valid one."
_LATER = "Nothing to do unless it lasts: it is tried again within the push's life."
_TABLE = (
    Reason("BadCollapseId", 400, Kind.REQUEST,
           "The collapse-id is longer than 64 bytes.", _OURS),
    Reason("BadDeviceToken", 400, Kind.ELSEWHERE,
           "The token is malformed, or of the other environment.",
           "Compare pn-provider (apns, apns.dev) with the credential's environment."),
    Reason("BadExpirationDate", 400, Kind.REQUEST, "The expiration is no time.", _OURS),
    Reason("BadMessageId", 400, Kind.REQUEST, "The apns-id is no UUID.", _OURS),
    Reason("BadPriority", 400, Kind.REQUEST,
           "The priority does not go with the push type.", _OURS),
    Reason("BadTopic", 400, Kind.REQUEST,
           "The topic is malformed.", "Check the app's bundle id."),
    Reason("DeviceTokenNotForTopic", 400, Kind.OTHER_TOPIC,
           "The token belongs to another app or service.",
           "Check the bundle id, and that voip and remote tokens are not swapped."),
    Reason("DuplicateHeaders", 400, Kind.REQUEST, "A header stands twice.", _OURS),
    Reason("IdleTimeout", 400, Kind.SERVER, "An idle connection was closed.", _LATER, True),
    Reason("InvalidPushType", 400, Kind.REQUEST, "The push type is none Apple knows.", _OURS),
    Reason("MissingDeviceToken", 400, Kind.REQUEST, "The request names no token.", _OURS),
    Reason("MissingTopic", 400, Kind.REQUEST, "The request names no topic.", _OURS),
    Reason("PayloadEmpty", 400, Kind.REQUEST, "The push has no payload.", _OURS),
    Reason("TopicDisallowed", 400, Kind.CREDENTIAL, "The key may not push to this app.", _KEY),
    Reason("BadCertificate", 403, Kind.CREDENTIAL, "The certificate is bad.", _KEY),
    Reason("BadCertificateEnvironment", 403, Kind.CREDENTIAL,
           "Certificate of the other environment.", _KEY),
    Reason("ExpiredProviderToken", 403, Kind.CREDENTIAL,
           "Our provider token is older than an hour.",
           "Check the clock of this machine (NTP)."),
    Reason("Forbidden", 403, Kind.CREDENTIAL, "Apple forbids this action.", _KEY),
    Reason("InvalidProviderToken", 403, Kind.CREDENTIAL,
           "Key, key id and team do not match.", _KEY),
    Reason("MissingProviderToken", 403, Kind.CREDENTIAL,
           "The request carries no provider token.", _OURS),
    Reason("UnrelatedKeyIdInToken", 403, Kind.CREDENTIAL,
           "Another key was used on this connection.", _KEY),
    Reason("BadEnvironmentKeyIdInToken", 403, Kind.CREDENTIAL,
           "The key is for the other environment.", _KEY),
    Reason("BadPath", 404, Kind.REQUEST, "The path is wrong.", _OURS),
    Reason("MethodNotAllowed", 405, Kind.REQUEST, "The method is not POST.", _OURS),
    Reason("ExpiredToken", 410, Kind.GONE, "The device token has expired.", _GONE),
    Reason("Unregistered", 410, Kind.GONE, "The token is no longer valid for this app.", _GONE),
    Reason("PayloadTooLarge", 413, Kind.REQUEST, "More than 4,096 bytes (VoIP: 5,120).", _OURS),
    Reason("TooManyProviderTokenUpdates", 429, Kind.PACE,
           "The provider token changed too often.",
           "Share one provider token; wait some minutes."),
    Reason("TooManyRequests", 429, Kind.PACE, "Too many pushes to this one token.",
           "Find out who pushes to this phone so often."),
    Reason("InternalServerError", 500, Kind.SERVER, "An error inside APNs.",
           "Apple's side: see Apple's system status page."),
    Reason("ServiceUnavailable", 503, Kind.SERVER, "APNs is not available.", _LATER, True),
    Reason("Shutdown", 503, Kind.SERVER, "This APNs server shuts down.", _LATER, True),
)  # fmt: skip
REASONS: dict[str, Reason] = {reason.name: reason for reason in _TABLE}


def result_of(status: int, headers: dict[str, str], body: bytes) -> Result:
    """Read an answer, with whatever body it has: empty, JSON, or a proxy's HTML."""
    if status == 200:
        return Result(
            outcome=Outcome.ACCEPTED,
            status=status,
            apns_id=_id(headers.get("apns-id", "")),
            apns_unique_id=_id(headers.get("apns-unique-id", "")),
        )
    said = _json(body)
    reason = _reason(said)
    detail = "" if reason else f"HTTP {status} without a reason"
    return Result(
        outcome=_outcome(status),
        status=status,
        reason=reason or _reason_of_bare(status),
        detail=detail,
        apns_id=_id(headers.get("apns-id", "")),
        apns_unique_id=_id(headers.get("apns-unique-id", "")),
        gone_since=_moment(said.get("timestamp")),
        retry_after=_seconds(headers.get("retry-after", "")),
    )


def reason_in(body: bytes) -> str:
    """Apple's reason, as an answer and a GOAWAY carry it; empty without one."""
    return _reason(_json(body))


def _reason(said: dict) -> str:
    # Apple's reasons are single words; whatever else stands there is not stored.
    reason = said.get("reason")
    return reason if isinstance(reason, str) and _WORD.fullmatch(reason) else ""


def _outcome(status: int) -> Outcome:
    if 300 <= status < 500 or status == 503:
        return Outcome.REJECTED
    # APNs failed in the middle, or a proxy answered: it may have been taken.
    return Outcome.UNKNOWN


def _reason_of_bare(status: int) -> str:
    return {503: "ServiceUnavailable", 429: "TooManyRequests"}.get(status, "")


def _id(value: str) -> str | None:
    return value if _ID.fullmatch(value) else None


def _seconds(value: str) -> int | None:
    """Of the two forms the one in seconds: Apple names neither, so its clock is not asked."""
    return int(value) if _SECONDS.fullmatch(value) else None


def _json(body: bytes) -> dict:
    try:
        said = json.loads(body) if body else {}
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _moment(milliseconds: object) -> datetime | None:
    if not isinstance(milliseconds, int | float):
        return None
    try:
        moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return moment if EARLIEST <= moment < LATEST else None
