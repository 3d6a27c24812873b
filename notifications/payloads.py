"""Payload templates: JSON whose texts hold `{placeholders}`, filled for one device. Pure.

The defaults are Flexisip's payloads (`src/pushnotification/apple/apple-request.cc`), which
liblinphone waits for. Values are put into texts of the parsed JSON, so a quote in a display
name is escaped by the encoder and can break nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.apns import LIMITS

PLACEHOLDER = re.compile(r"\{([a-z-]+)\}")
#: Placeholder → what stands there.
NAMES = {
    "call-id": _("the Call-ID: liblinphone finds the INVITE by it"),
    "uuid": _("the instance-id of the device, in < >"),
    "caller": _("the display name, else the address, of who calls or writes"),
    "display-name": _("the display name alone"),
    "from-uri": _("the address alone"),
    "loc-key": _("the text's name in the app's string table, as the Contact says"),
    "sound": _("the sound the Contact asks for"),
    "send-time": _("now, UTC"),
    "ttl": _("seconds the push lives; alone in its text it is a number"),
    "chat-room-addr": _("the address of the chat room"),
}
_REST = {
    "from-uri": "{from-uri}",
    "display-name": "{display-name}",
    "pn_ttl": "{ttl}",
    "customPayload": {},
}
_OUTSIDE = {
    **_REST,
    "call-id": "{call-id}",
    "uuid": "{uuid}",
    "send-time": "{send-time}",
}
_ALERT = {
    "aps": {
        "alert": {"loc-key": "{loc-key}", "loc-args": ["{caller}"]},
        "sound": "{sound}",
        "mutable-content": 1,
        "badge": 1,
    },
    **_OUTSIDE,
    "chat-room-addr": "{chat-room-addr}",
}
#: Kind of payload → its template where an app has none of its own.
DEFAULTS: dict[str, dict] = {
    "call": {
        "aps": {
            "sound": "",
            "loc-key": "{loc-key}",
            "loc-args": ["{caller}"],
            "call-id": "{call-id}",
            "uuid": "{uuid}",
            "send-time": "{send-time}",
        },
        **_REST,
    },
    "message": _ALERT,
    "group_chat": _ALERT,
    "call_alert": _ALERT,
    "call_end": _ALERT,
    # `aps` holds `content-available` alone, else Apple treats it as an alert.
    "wake": {"aps": {"content-available": 1}, **_OUTSIDE},
}
PUSH_TYPES = {"call": "voip", "wake": "background"}
#: Kind → the Contact's parameter for its text and Flexisip's default, and for its sound.
TEXTS = {
    "call": ("pn-call-str", "IC_MSG", "pn-call-snd"),
    "message": ("pn-msg-str", "IM_MSG", "pn-msg-snd"),
    "group_chat": ("pn-groupchat-str", "GC_MSG", "pn-msg-snd"),
    "call_alert": ("pn-call-str", "IC_MSG", "pn-call-snd"),
    "call_end": ("pn-missing-call-str", "Missing call", "pn-msg-snd"),
    "wake": ("pn-msg-str", "IM_MSG", "pn-msg-snd"),
}
#: How a call ended elsewhere → parameter and default of the last alert's text.
ENDINGS = {
    "missed": ("pn-missing-call-str", "Missing call"),
    "accepted": ("pn-call-accepted-elsewhere-str", "Accepted elsewhere"),
    "declined": ("pn-call-declined-elsewhere-str", "Declined elsewhere"),
}
#: Flexisip takes 0 to 30 (`call-remote-push-interval`).
LONGEST_INTERVAL = 30


class TemplateError(Exception):
    """A template that makes no payload; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """What is put into a template. `loc_key` and `sound` empty: as the Contact says."""

    contact: str
    instance_id: str
    call_id: str
    from_uri: str
    display_name: str
    sent_at: datetime
    ttl: int
    loc_key: str = ""
    sound: str = ""
    chat_room: str = ""


def push_type_of(kind: str) -> str:
    """The apns-push-type a kind of payload goes out as."""
    return PUSH_TYPES.get(kind, "alert")


def wishes_of(contact: str) -> dict[str, str]:
    """The pn-* parameters of a Contact, names in lower case."""
    pieces = (piece.partition("=") for piece in contact.split(";")[1:])
    named = {name.strip().lower(): value.strip() for name, _, value in pieces}
    return {k: v for k, v in named.items() if k.startswith("pn-") and v}


def interval_of(contact: str) -> int:
    """Seconds between the alerts of one call; 0: it is told once."""
    text = wishes_of(contact).get("pn-call-remote-push-interval", "")
    # 9 digits: a phone may write any number of them.
    seconds = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
    return min(seconds, LONGEST_INTERVAL)


def ending_text(contact: str, ending: str) -> str:
    """The text of the last alert of a call: `missed`, `accepted` or `declined` elsewhere."""
    name, default = ENDINGS[ending]
    return wishes_of(contact).get(name, default)


def filled(template: Mapping, kind: str, values: Values) -> dict:
    """The payload. Raises TemplateError for a placeholder that is none, or its size."""
    wishes = wishes_of(values.contact)
    text, default, sound = TEXTS[kind]
    instance = values.instance_id.strip("<>")
    facts = {
        "call-id": values.call_id,
        "uuid": f"<{instance}>" if instance else "",
        "caller": values.display_name or values.from_uri,
        "display-name": values.display_name,
        "from-uri": values.from_uri,
        "loc-key": values.loc_key or wishes.get(text, default),
        "sound": values.sound or wishes.get(sound, "empty"),
        "send-time": f"{values.sent_at:%Y-%m-%d %H:%M:%S}",
        "ttl": values.ttl,
        "chat-room-addr": values.chat_room,
    }
    payload = _put(template, facts)
    size, limit = size_of(payload), LIMITS[push_type_of(kind)]
    if size > limit:
        told = gettext("the payload has %(size)s bytes, Apple takes %(limit)s")
        raise TemplateError(told % {"size": size, "limit": limit})
    return payload


def size_of(payload: Mapping) -> int:
    """Bytes on the wire."""
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    return len(text.encode("utf-8", "replace"))


def check(template: object, kind: str) -> None:
    """Raises TemplateError where Apple would not take it as this kind of push."""
    aps = template.get("aps") if isinstance(template, dict) else None
    if not isinstance(aps, dict):
        raise TemplateError(gettext("it must be a JSON object with an object aps"))
    push_type = push_type_of(kind)
    if push_type == "background" and aps != {"content-available": 1}:
        told = gettext("aps of a wake-up must be %(json)s alone")
        raise TemplateError(told % {"json": '{"content-available": 1}'})
    if push_type == "alert" and not aps.get("alert"):
        raise TemplateError(gettext("aps must hold an alert"))
    for name in _placeholders(template):
        if name not in NAMES:
            told = gettext("there is no placeholder %(name)s")
            raise TemplateError(told % {"name": f"{{{name}}}"})


def _placeholders(part: object) -> list[str]:
    if isinstance(part, dict):
        return [name for value in part.values() for name in _placeholders(value)]
    if isinstance(part, list):
        return [name for value in part for name in _placeholders(value)]
    return PLACEHOLDER.findall(part) if isinstance(part, str) else []


def _put(part: object, facts: Mapping[str, object]) -> object:
    if isinstance(part, Mapping):
        return {name: _put(value, facts) for name, value in part.items()}
    if isinstance(part, list | tuple):
        return [_put(value, facts) for value in part]
    if not isinstance(part, str):
        return part
    whole = PLACEHOLDER.fullmatch(part)
    if whole is not None and whole[1] in facts:
        return facts[whole[1]]
    # One pass: what a value holds is text, whatever it looks like.
    return PLACEHOLDER.sub(lambda one: str(facts.get(one[1], one[0])), part)
