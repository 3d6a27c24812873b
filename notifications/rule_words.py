"""Why a verdict came out as it did, in words: its rule, the clock behind it, what was lost."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.models import Call
from notifications.wording import number

RULES = {
    "answer": _("The phone answered the call itself (SIP answer on this Call-ID)."),
    "beacon": _("The app reported the push by its beacon."),
    "register": _(
        "A REGISTER followed the push. It proves that the app ran, not that it "
        "reported a call to CallKit."
    ),
    "challenged": _(
        "A REGISTER followed, which the registrar only challenged: the app was awake."
    ),
    "late": _(
        "It came after the deadline. An answer or beacon still proves that the app woke; "
        "a REGISTER alone may be the user opening it."
    ),
    "ambiguous": _(
        "A remote push was accepted just before the REGISTER: either may have woken "
        "the app."
    ),
    "on_call": _(
        "The phone was on a call already: iOS asks for no report, and an answer says "
        "nothing about waking."
    ),
    "foreground": _(
        "The app was open already: iOS asks for no report, and waking says nothing."
    ),
    "no_proof": _(
        "Every log that could have shown a sign of waking was read past the deadline, "
        "and there was none."
    ),
    "gap": _(
        "A feed that could have shown a sign of waking lost what it had of that time, so "
        "that none was seen says nothing."
    ),
    "rejected": _("APNs refused the push, so the phone never saw it."),
    "expired": _("Its life was over before it could be sent."),
    "unknown": _("It left, and no answer came: nobody knows whether APNs took it."),
    "failed": _("It could not be sent."),
    "cancelled": _("It was withdrawn before it was sent."),
    "held": _("It was held back."),
}


def rule_of(call: Call) -> str:
    """Why the verdict came out so, and how far the clock of the evidence was off."""
    skew = timedelta(milliseconds=(call.evidence or {}).get("skew_ms", 0))
    told = (RULES.get(call.rule, ""), clock(skew))
    return " ".join(str(words) for words in told if words)


def clock(skew: timedelta) -> str:
    """How a feed's clock stands to ours; empty where the difference is less than a second."""
    seconds = skew.total_seconds()
    if seconds >= 1:
        return gettext(
            "The clock of the feed was %(seconds)s s ahead of ours, and was corrected."
        ) % {"seconds": number(seconds, 1)}
    if seconds <= -1:
        return gettext(
            "The feed came %(seconds)s s late or its clock was behind by so much, so "
            "evidence counted from that long before the push left."
        ) % {"seconds": number(-seconds, 1)}
    return ""
