"""Texts that are stored in English, for a reader: what is wrong with a registration in the
parser's words, with what it read between them; why a push was not resent.
"""

from __future__ import annotations

import re

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

#: What was read: quoted, in brackets, a parameter's name, a number. `#` in a text.
NAME = r"(?:pn-[a-z]+(?:-[a-z]+)*|app-id)\b"
READ = re.compile(
    r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\[[^\]]*\]"
    rf"|\b{NAME}(?:, {NAME})*|\d+"
)
TEXTS = (
    _("no push parameters found in the request uri"),
    _("# stands twice; the first counts"),
    _("# is longer than # bytes"),
    _("provider # not supported"),
    _("no # found"),
    _("syntax of # is invalid"),
    _("services of # read #"),
    _("# is empty"),
    _("syntax of # is invalid: a # too many"),
    _("syntax of # is invalid: an empty token"),
    _("syntax of # is invalid: a token without # or #"),
    _("syntax of # is invalid: label #"),
    _("# declares # service(s), # holds # token(s)"),
    _("# does not declare #"),
    _("two voip tokens; the first counts"),
    _("two remote tokens; the first counts"),
    _("the voip token is not # characters of #-# and letters"),
    _("the remote token is not # characters of #-# and letters"),
    _("invalid legacy push parameters in request uri: no # found"),
    _("legacy provider type # not supported"),
    _("the message is empty"),
    _("not a REGISTER: #"),
    _("not SIP/#.#: #"),
    _("no cseq header"),
    _("no to header"),
    _("no call-id header"),
    _("CSeq reads #"),
    _("CSeq names #"),
    _("no # in #"),
    _("no URI in #"),
    _("open quote in #"),
    _("the address is empty"),
    _("no scheme in #"),
    _("# outside <> in #"),
    _("# outside <>: a header parameter, which Flexisip ignores"),
    _("Would be strike # of #"),
)


def told(text: str) -> str:
    """A stored English text in the reader's language; what is none of ours as it stands."""
    known = gettext(text) if text else ""
    if known != text:
        return known
    read = iter(READ.findall(text))
    return re.sub("#", lambda _: next(read, "#"), gettext(READ.sub("#", text)))
