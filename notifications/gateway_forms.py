"""The two ways Flexisip asks for a push: variables in a URL, and FlexiAPI's JSON. Pure.

Names are Flexisip's own (`external-push-uri`, `src/pushnotification/generic/`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from notifications.apns.push import token_kind

#: Flexisip's variables, without the `$`.
VARIABLES = frozenset(
    [
        "type",
        "token",
        "app-id",
        "from-name",
        "from-uri",
        "from-tag",
        "to-uri",
        "call-id",
        "event",
        "uid",
        "msgid",
        "sound",
        "api-key",
    ]
)
#: The keys of FlexiAPI's JSON (`src/pushnotification/flexiapi/`).
FLEXIAPI = frozenset(["pn_provider", "pn_param", "pn_prid", "type", "call_id"])
#: What an operator may have called them.
OTHER_NAMES = {"app": "app-id", "from": "from-uri", "to": "to-uri", "callid": "call-id"}
TOKEN = re.compile(r"(?:[0-9a-f]{2}){1,200}")
SERVICES = {"prod": "production", "dev": "sandbox"}
PROVIDERS = {"apns": "production", "apns.dev": "sandbox"}
LONGEST = 500
#: Flexisip's `$msgid` of a group-chat INVITE, unless `pn-groupchat-str` says another.
GROUP_CHAT = "GC_MSG"


class Refused(Exception):
    """A request that cannot become a push: the status to answer with, and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One push as Flexisip asked for it; texts are empty where it said nothing."""

    token: str
    bundle_id: str
    environment: str
    push_type: str
    #: Which payload (`Push.Kind`).
    payload: str = "call"
    loc_key: str = ""
    sound: str = ""
    call_id: str = ""
    from_uri: str = ""
    from_name: str = ""
    to_uri: str = ""
    instance_id: str = ""

    @property
    def kind(self) -> str:
        """The kind of the token."""
        return token_kind(self.push_type)


def variables_of(path: str, query: str) -> dict[str, str]:
    """The variables of a request line: `name=value` in the query or as a path segment.

    A segment `apple` alone is the `$type` of Flexisip's documented example.
    """
    found: dict[str, str] = {}
    pairs = [segment.partition("=")[::2] for segment in path.split("/") if segment]
    # `+` is a plus sign in what Flexisip escapes, never a space.
    pairs += parse_qsl(query.replace("+", "%2B"), keep_blank_values=True)
    for name, value in pairs:
        if name == "apple" and not value:
            name, value = "type", "apple"
        name = name.lower().replace("_", "-")
        name = OTHER_NAMES.get(name, name)
        if name in VARIABLES:
            found[name] = unquote(value).replace("\0", "")[:LONGEST]
    return found


def asked_by_url(values: Mapping[str, str]) -> Asked:
    """A push from the URL form's variables. Raises Refused."""
    if values.get("type", "apple") != "apple":
        raise Refused(400, f"not an Apple push: type {values['type']!r}")
    # `org.example.app.voip.prod`, `org.example.app.dev`
    app_id, _, service = values.get("app-id", "").rpartition(".")
    if service not in SERVICES or not app_id:
        raise Refused(400, "app-id must end in .prod or .dev")
    is_voip = app_id.endswith(".voip")
    return Asked(
        token=_token(values.get("token", "")),
        bundle_id=app_id.removesuffix(".voip"),
        environment=SERVICES[service],
        push_type="voip" if is_voip else "alert",
        payload="call" if is_voip else _alert_of(values),
        loc_key="" if is_voip else values.get("msgid", ""),
        sound="" if is_voip else values.get("sound", ""),
        call_id=values.get("call-id", ""),
        from_uri=values.get("from-uri", ""),
        from_name=values.get("from-name", ""),
        to_uri=aor_of(values.get("to-uri", "")),
        instance_id=instance_of(values.get("uid", "")),
    )


def values_of(body: bytes) -> dict[str, str]:
    """The texts of FlexiAPI's JSON. Raises Refused."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, "the body is no JSON") from None
    if not isinstance(said, dict):
        raise Refused(400, "the body is no JSON object")
    return {
        name: storable(value)[:LONGEST]
        for name, value in said.items()
        if name in FLEXIAPI and isinstance(value, str)
    }


def asked_by_json(values: Mapping[str, str]) -> Asked:
    """A push from FlexiAPI's texts. Raises Refused."""
    provider = values.get("pn_provider", "")
    if provider not in PROVIDERS:
        raise Refused(400, f"pn_provider must be apns or apns.dev, not {provider!r}")
    # `TEAMID.org.example.app.voip`; the services may stand together: `.voip&remote`
    app_id = values.get("pn_param", "").partition(".")[2].partition("&")[0]
    bundle_id = app_id.removesuffix(".voip").removesuffix(".remote")
    if not bundle_id:
        raise Refused(400, "pn_param must be TEAM.BUNDLE.voip or TEAM.BUNDLE")
    is_voip = app_id.endswith(".voip") and values.get("type", "call") == "call"
    is_silent = values.get("type") == "background"
    return Asked(
        token=_token(_of_service(values.get("pn_prid", ""), is_voip)),
        bundle_id=bundle_id,
        environment=PROVIDERS[provider],
        push_type="voip" if is_voip else "background" if is_silent else "alert",
        payload="call" if is_voip else "wake" if is_silent else _alert_of(values),
        call_id=values.get("call_id", ""),
    )


def storable(text: str) -> str:
    """A text of JSON as a database and UTF-8 take it: no NUL, no half surrogate pair."""
    return text.encode("utf-8", "replace").decode().replace("\0", "?")


def _alert_of(values: Mapping[str, str]) -> str:
    """Which alert: of a call for an app without CallKit, of a group chat, of a message."""
    if "call" in (values.get("event"), values.get("type")):
        return "call_alert"
    return "group_chat" if values.get("msgid") == GROUP_CHAT else "message"


def _of_service(prid: str, is_voip: bool) -> str:
    """The token of the service wanted, of `TOKEN` or `TOKEN:voip&TOKEN:remote`."""
    wanted = "voip" if is_voip else "remote"
    tokens = [part.partition(":")[::2] for part in prid.split("&")]
    return next((token for token, name in tokens if name in ("", wanted)), "")


def _token(text: str) -> str:
    token = text.partition(":")[0].lower()
    if not token:
        raise Refused(400, "the token is missing")
    if not TOKEN.fullmatch(token):
        raise Refused(400, "the token is not hex")
    return token


def aor_of(uri: str) -> str:
    """`sip:user@host`, the host in lower case, of a URI with whatever is around it."""
    bare = uri.strip().removeprefix("<").partition(">")[0]
    bare = bare.partition(";")[0].partition("?")[0]
    user, at, host = bare.rpartition("@")
    return f"{user}{at}{host.lower()}" if at else bare


def instance_of(uid: str) -> str:
    """`urn:uuid:…` of `$uid`, which Flexisip gives quoted, escaped and in brackets."""
    return uid.strip("\"'\\<> ")
