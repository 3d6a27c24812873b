"""What a sign of life is called."""

from __future__ import annotations

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

SIGNS = {
    "register": _("REGISTER of this device"),
    "challenged": _("REGISTER, only challenged"),
    "beacon": _("Beacon of the app"),
    "answer": _("SIP answer"),
    "dialog": _("Its own call was answered"),
    "ended": _("End of a call (BYE)"),
}
#: Asks for credentials: what the registrar answers first (RFC 3261 §22).
CHALLENGES = (401, 407)


def titled(kind: str, code: int | None) -> str:
    """`kind` of a Sighting in words, with the SIP status code that goes with it."""
    if kind == "answer" and code:
        return gettext("SIP answer %(code)s") % {"code": code}
    if kind == "challenged":
        return _without_success(code)
    return str(SIGNS.get(kind, kind))


def _without_success(code: int | None) -> str:
    """A REGISTER that the registrar did not accept, as far as the log shows."""
    if code is None:
        return gettext("REGISTER, no answer seen")
    if code in CHALLENGES:
        return gettext("REGISTER, only challenged (%(code)s)") % {"code": code}
    return gettext("REGISTER, refused by the registrar (%(code)s)") % {"code": code}
