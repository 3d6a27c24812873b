"""What APNs checks of a request, in order: status and reason of the first that fails.

Apple documents the reasons but not the order. Here the provider token comes before all
that is the app's, and the device token last: so a dry run tells key, topic and token apart.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import jwt

from simulator.certificates import ClientCertificate
from simulator.directory import Directory, Entry

PUSH_TYPES = frozenset(  # Apple: apns-push-type
    [
        "alert",
        "background",
        "voip",
        "location",
        "complication",
        "fileprovider",
        "mdm",
        "liveactivity",
        "pushtotalk",
    ]
)
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
TOKEN = re.compile(r"(?:[0-9a-fA-F]{2}){1,200}")
TOPIC = re.compile(r"[A-Za-z0-9][A-Za-z0-9.\-]*")
TOKEN_LIFE_SECONDS = 3600
SKEW_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Refusal:
    """A status, Apple's reason, and for a 410 since when (ms of the epoch)."""

    status: int
    reason: str
    timestamp: int | None = None


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys this server trusts: key id → (team id, public key PEM). Of `environment_of`
    each that is for one environment only; `revoked` may change while the server runs.
    """

    by_id: Mapping[str, tuple[str, str]]
    environment_of: Mapping[str, str] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What this server says where Apple's documents leave it open, and other mocks differ."""

    #: To a topic that is not the key's: TopicDisallowed, or (pushy) InvalidProviderToken.
    foreign_topic: str = "TopicDisallowed"
    #: To a provider token of the future: InvalidProviderToken or ExpiredProviderToken.
    future_token: str = "InvalidProviderToken"
    #: A background push with priority 10: an error in Apple's words.
    refuses_background_at_ten: bool = True


@dataclass(frozen=True, slots=True)
class Request:
    """One request as received: headers in order, names in lower case."""

    headers: tuple[tuple[str, str], ...]
    body: bytes
    #: What the client showed when it connected; then no provider token is looked at.
    certificate: ClientCertificate | None = None

    def get(self, name: str, default: str = "") -> str:
        return next((value for key, value in self.headers if key == name), default)


class Checker:
    """The checks of one server. `clock` gives seconds of the epoch.

    `bundle_ids`: the apps the keys may push to, None for any.
    """

    def __init__(
        self,
        directory: Directory,
        keys: Keys,
        environment: str,
        clock: Callable[[], float] = time.time,
        bundle_ids: frozenset[str] | None = None,
        choices: Choices | None = None,
    ) -> None:
        self._choices = choices or Choices()
        self._directory, self._keys = directory, keys
        self._environment, self._clock = environment, clock
        self._bundle_ids = bundle_ids

    def refuse(self, request: Request) -> Refusal | None:
        """Why this request is refused; None when it is accepted."""
        checks = (
            self._message_id,
            self._method_and_path,
            self._provider_token,
            self._doubled,
            self._simple_headers,
            self._topic,
            self._payload,
            self._token,
        )
        for check in checks:
            refusal = check(request)
            if refusal is not None:
                return refusal
        return None

    def _message_id(self, request: Request) -> Refusal | None:
        apns_id = request.get("apns-id")
        if apns_id and not UUID.fullmatch(apns_id):
            return Refusal(400, "BadMessageId")
        return None

    def _method_and_path(self, request: Request) -> Refusal | None:
        if request.get(":method") != "POST":
            return Refusal(405, "MethodNotAllowed")
        path = request.get(":path")
        if not path.startswith("/3/device/"):
            return Refusal(404, "BadPath")
        if path == "/3/device/":
            return Refusal(400, "MissingDeviceToken")
        return None

    def _doubled(self, request: Request) -> Refusal | None:
        counts = Counter(
            name for name, _ in request.headers if name.startswith("apns-")
        )
        if any(count > 1 for count in counts.values()):
            return Refusal(400, "DuplicateHeaders")
        return None

    def _certificate(self, shown: ClientCertificate) -> Refusal | None:
        if not shown.bundle_id or not shown.begins_at <= self._clock() < shown.ends_at:
            return Refusal(403, "BadCertificate")
        if self._environment not in shown.environments:
            return Refusal(403, "BadCertificateEnvironment")
        return None

    def _provider_token(self, request: Request) -> Refusal | None:
        if request.certificate is not None:
            return self._certificate(request.certificate)
        scheme, _, token = request.get("authorization").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return Refusal(403, "MissingProviderToken")
        try:
            key_id = jwt.get_unverified_header(token).get("kid", "")
            team_id, public_key = self._keys.by_id.get(key_id, ("", ""))
            options = {"verify_iat": False, "verify_exp": False}
            claims = jwt.decode(
                token, public_key, algorithms=["ES256"], options=options
            )
            age = self._clock() - float(claims.get("iat", 0))
        except (jwt.PyJWTError, ValueError, TypeError):
            return Refusal(403, "InvalidProviderToken")
        if claims.get("iss") != team_id or key_id in self._keys.revoked:
            return Refusal(403, "InvalidProviderToken")
        if age < -SKEW_SECONDS:
            return Refusal(403, self._choices.future_token)
        if age > TOKEN_LIFE_SECONDS:
            return Refusal(403, "ExpiredProviderToken")
        environment = self._keys.environment_of.get(key_id, self._environment)
        if environment != self._environment:
            return Refusal(403, "BadEnvironmentKeyIdInToken")
        return None

    def _simple_headers(self, request: Request) -> Refusal | None:
        topic, push_type = topic_of(request), request.get("apns-push-type")
        priority = request.get("apns-priority", "10")
        expiration = request.get("apns-expiration", "0")
        faults = (
            (not topic, "MissingTopic"),
            (not TOPIC.fullmatch(topic), "BadTopic"),
            (len(request.get("apns-collapse-id").encode()) > 64, "BadCollapseId"),
            (priority not in {"10", "5", "1"}, "BadPriority"),
            (self._is_loud_background(push_type, priority), "BadPriority"),
            (not re.fullmatch(r"-?\d{1,15}", expiration), "BadExpirationDate"),
            (bool(push_type) and push_type not in PUSH_TYPES, "InvalidPushType"),
            (push_type == "voip" and not topic.endswith(".voip"), "BadTopic"),
        )
        return next((Refusal(400, reason) for bad, reason in faults if bad), None)

    def _is_loud_background(self, push_type: str, priority: str) -> bool:
        is_refused = self._choices.refuses_background_at_ten
        return is_refused and push_type == "background" and priority == "10"

    def _topic(self, request: Request) -> Refusal | None:
        bundle_id = topic_of(request).removesuffix(".voip")
        shown = request.certificate
        if shown is not None and topic_of(request) not in shown.topics:
            return Refusal(400, "TopicDisallowed")
        if self._bundle_ids is not None and bundle_id not in self._bundle_ids:
            reason = self._choices.foreign_topic
            return Refusal(400 if reason == "TopicDisallowed" else 403, reason)
        return None

    def _payload(self, request: Request) -> Refusal | None:
        if not request.body:
            return Refusal(400, "PayloadEmpty")
        is_voip = topic_of(request).endswith(".voip")
        if len(request.body) > (5120 if is_voip else 4096):
            return Refusal(413, "PayloadTooLarge")
        try:
            is_object = isinstance(json.loads(request.body), dict)
        except ValueError:
            is_object = False
        # What Apple says to a body that is no JSON is not documented; this is our choice.
        return None if is_object else Refusal(400, "PayloadEmpty")

    def _token(self, request: Request) -> Refusal | None:
        token = token_of(request)
        entry = self._directory.find(token) if TOKEN.fullmatch(token) else None
        if entry is None or entry.environment != self._environment:
            return Refusal(400, "BadDeviceToken")
        if entry.status != "valid":
            reasons = {"unregistered": "Unregistered", "expired": "ExpiredToken"}
            return Refusal(410, reasons[entry.status], entry.since_ms)
        if topic_of(request) != _topic_of(entry):
            return Refusal(400, "DeviceTokenNotForTopic")
        return None


def topic_of(request: Request) -> str:
    """The topic; Apple takes that of the certificate where the header is missing."""
    shown = request.certificate
    return request.get("apns-topic") or (shown.bundle_id if shown else "")


def token_of(request: Request) -> str:
    """The device token of a request's path, in lower case."""
    return request.get(":path").removeprefix("/3/device/").lower()


def _topic_of(entry: Entry) -> str:
    return f"{entry.bundle_id}.voip" if entry.kind == "voip" else entry.bundle_id
