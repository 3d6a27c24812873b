"""What follows from a broken rule of the push parameters, in words for a person.

Flexisip answers such a REGISTER with 200 and says nothing before it has to push
(`push-info.cc`, `rfc8599-push-params.cc`); on a normal log level it then says nothing either.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

NEVER = _("Flexisip answers 200 and then never pushes to this device.")
FIRST = _("The first of the two counts, for Flexisip and here.")

CONSEQUENCES = {
    **dict.fromkeys(
        (
            "app_id_missing",
            "pn_param_missing",
            "pn_param_syntax",
            "pn_prid_empty",
            "pn_prid_missing",
            "pn_prid_syntax",
            "pn_provider_missing",
            "pn_provider_unsupported",
            "pn_tok_missing",
            "pn_type_missing",
            "pn_type_unsupported",
            "service_undeclared",
            "token_count",
            "token_label",
            "token_unlabelled",
        ),
        NEVER,
    ),
    "outside_uri": _(
        "Flexisip ignores parameters outside <>, so it never pushes; Asterisk "
        "drops the request, Kamailio takes it."
    ),
    "value_too_long": _(
        "Flexisip reads 254 bytes of a value and cannot use a longer one: of "
        "provider, app or token, it never pushes to this device."
    ),
    "pn_timeout": _("Flexisip pushes after the delay of its own setting."),
    "token_form": _(
        "Flexisip refuses to send to a token that is not 64 characters long."
    ),
    "parameter_twice": FIRST,
    "token_twice": FIRST,
    "pn_param_services": _(
        "Flexisip takes the list, but the number of tokens may then not fit."
    ),
}
#: Beside those whose consequence is `NEVER`.
ALSO_NEVER = frozenset({"outside_uri", "token_form"})
PROVIDER = _("The app must send pn-provider=apns, or apns.dev in a sandbox build.")
PARAM = _("The app must send pn-param=TEAM.BUNDLE.voip&remote.")
PRID = _("The app must send pn-prid=TOKEN:voip&TOKEN:remote.")
PER_SERVICE = _("pn-prid must hold one token for each service that pn-param names.")
LEGACY = _(
    "The app must send app-id, pn-type=apple and pn-tok, or better pn-provider, pn-param "
    "and pn-prid (RFC 8599)."
)
ONCE = _("Each push parameter, and the token of each service, must stand once.")
#: rule → what the app must send instead.
REMEDIES = {
    **dict.fromkeys(("pn_provider_missing", "pn_provider_unsupported"), PROVIDER),
    **dict.fromkeys(("pn_param_missing", "pn_param_syntax"), PARAM),
    **dict.fromkeys(("pn_prid_empty", "pn_prid_missing", "pn_prid_syntax"), PRID),
    **dict.fromkeys(("token_count", "service_undeclared"), PER_SERVICE),
    **dict.fromkeys(
        ("app_id_missing", "pn_tok_missing", "pn_type_missing", "pn_type_unsupported"),
        LEGACY,
    ),
    **dict.fromkeys(("parameter_twice", "token_twice"), ONCE),
    **dict.fromkeys(
        ("token_label", "token_unlabelled"),
        _(
            "Each token of pn-prid must end in its service: "
            "pn-prid=TOKEN:voip&TOKEN:remote."
        ),
    ),
    "pn_param_services": _("pn-param must end in .voip, .remote or .voip&remote."),
    "outside_uri": _("The push parameters must stand inside the <> of the Contact."),
    "value_too_long": _("No value may be longer than 254 bytes."),
    "pn_timeout": _("pn-timeout must be a number of seconds."),
    "token_form": _("A token must be the 64 hexadecimal digits that iOS gives."),
}
UNREAD = _("The message could not be read: the device is not known by it.")
MAYBE = _("Flexisip may not push to this device.")


def consequence_of(rule: str) -> str:
    """What Flexisip does about a Contact that breaks `rule`."""
    return str(CONSEQUENCES.get(rule, MAYBE))


def consequence_in_inbox(rule: str) -> str:
    """The same where the rule may also be one that no REGISTER is read past."""
    return str(CONSEQUENCES.get(rule, UNREAD))


def remedy_of(rule: str) -> str:
    """What the app must send so that it breaks `rule` no more; empty where nothing is known."""
    return str(REMEDIES.get(rule, ""))


def is_never_pushed_to(rule: str) -> bool:
    """Flexisip's own pusher sends nothing to a Contact that breaks `rule`."""
    return rule in ALSO_NEVER or CONSEQUENCES.get(rule) == NEVER


def unreached(rules: Iterable[str], who: str) -> tuple[str, str]:
    """What a Contact that breaks `rules` means for the caller, and what to mend; empty where
    Flexisip pushes to it all the same.
    """
    stopping = list(dict.fromkeys(filter(is_never_pushed_to, rules)))
    if not stopping:
        return "", ""
    what = gettext(
        "Calls to %(who)s do not arrive while the app sleeps: Flexisip's own pusher sends "
        "nothing to a Contact that breaks %(rules)s."
    )
    remedies = dict.fromkeys(map(remedy_of, stopping))
    return what % {"who": who, "rules": ", ".join(stopping)}, " ".join(remedies)
