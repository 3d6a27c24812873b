"""What follows from a broken rule of the push parameters, in words for a person.

Flexisip answers such a REGISTER with 200 and says nothing before it has to push
(`push-info.cc`, `rfc8599-push-params.cc`); on a normal log level it then says nothing either.
"""

from __future__ import annotations

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
UNREAD = _("The message could not be read: the device is not known by it.")
MAYBE = _("Flexisip may not push to this device.")


def consequence_of(rule: str) -> str:
    """What Flexisip does about a Contact that breaks `rule`."""
    return str(CONSEQUENCES.get(rule, MAYBE))


def consequence_in_inbox(rule: str) -> str:
    """The same where the rule may also be one that no REGISTER is read past."""
    return str(CONSEQUENCES.get(rule, UNREAD))
