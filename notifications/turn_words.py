"""What a turning point of a device changed, before → after, in words. Tokens are masked."""

from __future__ import annotations

import json

from django.utils.translation import gettext

from notifications.masking import masked


def change_told(values: str) -> str:
    """`values`: JSON of `before` and `after` of a DeviceEvent; "" where they say nothing."""
    if not values:
        return ""
    told = json.loads(values)
    before, after = told["before"], told["after"]
    names = dict.fromkeys([*before, *after])
    return ", ".join(_one(name, before.get(name), after.get(name)) for name in names)


def _one(name: str, before: str | bool | None, after: str | bool | None) -> str:
    words = {
        "voip": gettext("VoIP token %(before)s → %(after)s"),
        "remote": gettext("remote token %(before)s → %(after)s"),
        "instance_id": gettext("instance-id %(before)s → %(after)s"),
        "bound": "%(before)s → %(after)s",
    }
    values = {"before": _value(before), "after": _value(after)}
    return words.get(name, f"{name} %(before)s → %(after)s") % values


def _value(value: str | bool | None) -> str:
    if value is None or value == "":
        return gettext("none")
    if isinstance(value, bool):
        return gettext("bound") if value else gettext("not bound")
    return masked(value)
