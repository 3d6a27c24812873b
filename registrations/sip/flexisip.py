"""What Flexisip logs of a Contact when it has to push to it. Pure.

Its checks in its own order, for it stops at the first that fails (`push-info.cc`,
`rfc8599-push-params.cc` of 2.5; until 2.0 the words are others). It says so at debug level
behind `Failed to create push notification (skip): `.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from .push_values import LEGACY, RFC_8599, is_number, is_too_long, values_of

IN_URI = "invalid RFC8599 push parameters in request uri, "
IN_VALUES = "invalid RFC8599 push parameters, "
IN_LEGACY = "invalid legacy push parameters in request uri: "
NONE = "no push parameters found in the request uri"
APPLE = frozenset({"apns", "apns.dev"})
OTHER_PROVIDERS = frozenset({"fcm", "wp", "wp10"})
LEGACY_TYPES = frozenset({"apple", "android", "firebase", "google", "wp", "wp10"})
#: `TEAM.bundle.id.voip&remote`; without services at its end it is `remote`.
WITH_SERVICES = re.compile(r"[^.]+\..+\.((?:voip|remote|&)+)")
WITHOUT_SERVICES = re.compile(r"[^.]+\..+")
ONE_TOKEN = re.compile(r"[^:]+(?::(voip|remote))?")
ONE_OF_SEVERAL = re.compile(r"[^:]+:(voip|remote)")
#: A value that does not fit into Flexisip's buffer reads as so many of these.
NUL = "\0"


def refusal_of(uri: str) -> str:
    """The words about a Contact's URI; "" where a push goes out and nothing is said."""
    found, _ = values_of(uri)
    values = {name: _read(value) for name, value in found.items()}
    text = _refusal(values) or _about_timeout(values.get("pn-timeout", ""))
    return text.replace(NUL, "")


def _read(value: str) -> str:
    return NUL * len(value.encode()) if is_too_long(value) else unquote(value)


def _refusal(values: dict[str, str]) -> str:
    names, judge = RFC_8599, _of_rfc_8599
    if "pn-provider" not in values:
        names, judge = LEGACY, _of_legacy
        if "pn-tok" not in values:
            return NONE
    return judge(*(values.get(name, "") for name in names))


def _of_rfc_8599(provider: str, param: str, prid: str) -> str:
    asked = {"pn-provider": provider, "pn-prid": prid, "pn-param": param}
    for name, value in asked.items():
        if not value:
            return f"{IN_URI}no '{name}' found"
    if provider in APPLE:
        return _of_apple(param, prid)
    known = provider in OTHER_PROVIDERS
    return "" if known else f"provider [{provider}] not supported"


def _of_apple(param: str, prid: str) -> str:
    services = _services(param)
    if services is None:
        return f"{IN_VALUES}syntax of 'pn-param' is invalid"
    tokens = prid.split("&")
    if len(tokens) != len(services):
        return (
            f"{IN_VALUES}'pn-param' declares {len(services)} service(s), "
            f"whereas there is/are {len(tokens)} token(s) in pn-prid"
        )
    shape = ONE_TOKEN if len(tokens) == 1 else ONE_OF_SEVERAL
    for token in tokens:
        read = shape.fullmatch(token)
        if read is None:
            return f"{IN_VALUES}syntax of 'pn-prid' is invalid"
        if read[1] is not None and read[1] not in services:
            return f"{IN_VALUES}service mismatch between 'pn-param' and 'pn-prid'"
    return ""


def _services(param: str) -> frozenset[str] | None:
    """Whatever stands between the `&`: nothing, and `voipremote`, are services too."""
    if found := WITH_SERVICES.fullmatch(param):
        return frozenset(found[1].split("&"))
    return frozenset({"remote"}) if WITHOUT_SERVICES.fullmatch(param) else None


def _of_legacy(app_id: str, kind: str, token: str) -> str:
    asked = {"pn-type": kind, "app-id": app_id, "pn-tok": token}
    for name, value in asked.items():
        if not value:
            return f"{IN_LEGACY}no '{name}' found"
    known = kind in LEGACY_TYPES
    return "" if known else f"legacy provider type [{kind}] not supported"


def _about_timeout(value: str) -> str:
    """Said of a push that goes out all the same, after the time of the module's setting."""
    return (
        "" if not value or is_number(value) else f"Invalid 'pn-timeout' value: {value}"
    )
