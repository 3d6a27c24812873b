"""A device's newest Contact taken apart for a reader: each parameter with what it means."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.consequences import remedy_of
from notifications.masking import masked
from notifications.stored_words import told as said
from registrations.models import Device

#: RFC 8599, and what Linphone adds to it.
PARAMETERS = {
    "pn-timeout": _("Seconds the proxy waits before it pushes"),
    "pn-silent": _("No effect any more"),
    "pn-call-str": _("Text key for calls"),
    "pn-msg-str": _("Text key for messages"),
    "pn-groupchat-str": _("Text key for group chats"),
    "pn-mwi-str": _("Text key for voice mail that waits"),
    "pn-missing-call-str": _("Text of the last push of a call nobody took"),
    "pn-call-accepted-elsewhere-str": _("Text where another phone took the call"),
    "pn-call-declined-elsewhere-str": _("Text where another phone declined the call"),
    "pn-call-snd": _("Sound for calls"),
    "pn-msg-snd": _("Sound for messages"),
    "pn-call-remote-push-interval": _("Seconds between remote pushes of one call"),
    "app-id": _("Bundle id and environment, before RFC 8599"),
    "pn-type": _("Push service, before RFC 8599"),
    "pn-tok": _("Token, before RFC 8599"),
    "transport": _("How the phone is reached"),
    "line": _("Which account of the app"),
    "gr": _("A name that stays the same for this install"),
    "ob": _("Answers go back over the same connection (RFC 5626)"),
    "fs-conn-id": _("Flexisip's own connection number"),
    "alias": _("Later requests use the same connection (RFC 5923)"),
    "received": _("Where the REGISTER came from, as the server saw it"),
    "rport": _("The port it came from, as the server saw it (RFC 3581)"),
    "pub-gruu": _("An address of this install that others can use (RFC 5627)"),
    "maddr": _("Where the phone is reached in place of the host"),
}
URI = _("Where the server reaches the phone")
UNKNOWN = _("Not known to pushdash; kept as sent")
PROVIDERS = {
    "apns": _("Production. Sandbox builds send apns.dev"),
    "apns.dev": _("Sandbox. Builds from a store send apns"),
    "fcm": _("Firebase: Android, pushdash does not push to it"),
    "firebase": _("Firebase, before RFC 8599"),
}
#: rule → the parameters it is about.
OF_PARAMETER = {
    **dict.fromkeys(
        (
            "pn_prid_empty",
            "pn_prid_syntax",
            "service_undeclared",
            "token_count",
            "token_label",
            "token_unlabelled",
        ),
        ("pn-prid",),
    ),
    **dict.fromkeys(("token_form", "token_twice"), ("pn-prid", "pn-tok")),
    **dict.fromkeys(("pn_param_services", "pn_param_syntax"), ("pn-param",)),
    "pn_provider_unsupported": ("pn-provider",),
    "pn_timeout": ("pn-timeout",),
    "pn_type_unsupported": ("pn-type",),
}
OF_ANY = frozenset({"parameter_twice", "value_too_long"})
#: Long enough to be a token of any push service.
SECRET = re.compile(r"[0-9A-Za-z_\-]{24,}")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its name, its value with every token masked, what it means."""

    name: str
    value: str
    note: str
    #: It breaks a rule of the push parameters, which the note names.
    is_broken: bool = False


def parameters_of(device: Device) -> list[Parameter]:
    """The URI, its parameters, the instance and the expiry."""
    uri, *pieces = device.contact.split(";")
    rows = [Parameter("uri", uri, URI)] if uri else []
    rows += [_parameter(*piece.partition("=")[::2]) for piece in pieces]
    faults = _faults(device)
    rows = [_flagged(row, faults.get(row.name.strip().lower())) for row in rows]
    instance = device.instance_id or ""
    rows.append(
        Parameter("+sip.instance", instance or gettext("none"), _instance(instance))
    )
    return rows


def broken_rules(device: Device) -> list[str]:
    """The rules that its newest Contact breaks."""
    return [problem["rule"] for problem in device.problems]


def masked_contact(device: Device) -> str:
    """The whole Contact with every token masked."""
    uri, *pieces = device.contact.split(";")
    shown = [_parameter(*piece.partition("=")[::2]) for piece in pieces]
    return ";".join([uri, *(f"{one.name}={one.value}" for one in shown)])


def _faults(device: Device) -> dict[str, dict]:
    """Parameter → the first problem that is its own."""
    found: dict[str, dict] = {}
    for problem in device.problems:
        for name in _places(problem["rule"], problem.get("detail", "")):
            found.setdefault(name, problem)
    return found


def _places(rule: str, detail: str) -> tuple[str, ...]:
    if rule in OF_PARAMETER:
        return OF_PARAMETER[rule]
    # What may stand in any parameter names it: `pn-prid stands twice; …`.
    return (detail.partition(" ")[0],) if rule in OF_ANY else ()


def _flagged(row: Parameter, problem: dict | None) -> Parameter:
    if problem is None:
        return row
    rule = problem["rule"]
    told = gettext("Breaks the rule %(rule)s: %(detail)s. %(remedy)s") % {
        "rule": rule,
        "detail": masked(said(problem.get("detail", ""))),
        "remedy": remedy_of(rule),
    }
    return replace(row, note=told.strip(), is_broken=True)


def _parameter(name: str, value: str) -> Parameter:
    key = name.strip().lower()
    if key in {"pn-prid", "pn-tok"}:
        return Parameter(name, SECRET.sub(_cut, value), _tokens(key, value))
    if key == "pn-provider":
        note = PROVIDERS.get(value.lower(), _("A push service pushdash does not know"))
        return Parameter(name, value, note)
    if key == "pn-param":
        return Parameter(name, value, _("Team id, bundle id, services"))
    return Parameter(name, value, PARAMETERS.get(key, UNKNOWN))


def _cut(found: re.Match) -> str:
    return f"{found[0][:6]}…{found[0][-4:]}"


def _tokens(key: str, value: str) -> str:
    if key == "pn-tok":
        return PARAMETERS["pn-tok"]
    number = value.count("&") + 1
    if number == 1:
        return gettext("One token: VoIP and remote cannot both be reached")
    if number == 2:
        return gettext("Two tokens, one a service")
    return gettext("%(number)s tokens") % {"number": number}


def _instance(instance: str) -> str:
    if not instance:
        return gettext("A reinstall cannot be told from another phone")
    return gettext("This install of the app; a reinstall brings another")
