"""Texts that are stored in English, for a reader: what is wrong with a registration in the
parser's words, with what it read between them; why a push was not resent, why a try came to
nothing, what troubles a feed.
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
    _("# reads #, no number"),
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
    _("Would be strike #, suspected from #"),
)


#: What is stored with names and reasons in it: why a try came to nothing, what troubles a feed.
#: The narrower one stands first.
SENTENCES = (
    _("no connection to %(host)s lasts: %(why)s"),
    _("no connection to %(host)s: %(why)s"),
    _("not sent: %(why)s"),
    _("before it left: %(why)s"),
    _("before the push was sent, %(why)s"),
    _("the connection was lost: %(why)s"),
    _("the connection takes no request: %(why)s"),
    _("APNs broke HTTP/2: %(why)s"),
    _("APNs reset the stream (%(code)s)"),
    _("cut short: %(why)s"),
    _("the proxy refused: %(why)s"),
    _("the certificate cannot be used: %(why)s"),
    _("the .p8 key cannot sign: %(why)s"),
    _("the database is away: %(why)s"),
    _("HTTP %(status)s without a reason"),
    _("Redis does not answer: %(why)s"),
    _("%(number)s packets lost since the start: more than can be stored"),
    _("%(file)s cannot be read: %(why)s"),
    _("%(file)s is gone"),
    _("%(file)s: %(number)s bytes read, no line looks like a known log"),
    _("%(file)s: %(number)s bytes read, no line looks like %(format)s"),
    _("%(file)s: %(number)s bytes read, it is UTF-16: convert it with iconv"),
    _("%(number)s pushes"),
    _("APNs accepted a push in %(environment)s"),
    _("no answer within %(seconds)s s (%(why)s)"),
    _("no answer within %(seconds)s s"),
)
#: The same without a name in it.
WHOLE = (
    _("the connection closed"),
    _("closed by APNs"),
    _("APNs does not read"),
    _("APNs sent no SETTINGS"),
    _("the connection went silent"),
    _("APNs answered without a status"),
    _("APNs refused the stream"),
    _("APNs is closing this connection"),
    _("the client was closed"),
    _("the worker died while it was sending"),
    _("the log shows no answer"),
    _("its life was over"),
    _("the app has no credential for this environment"),
    _("the certificate has expired: store a new one on Settings"),
    _("it closes connections before it answers"),
    _("dry run"),
    _("withdrawn by a person"),
    _("a REGISTER carried it again"),
    _("APNs accepted a push to it"),
)
PLACE = re.compile(r"%\\\((\w+)\\\)s")
PATTERNS = {
    sentence: re.compile(PLACE.sub(r"(?P<\1>.+?)", re.escape(sentence)), re.DOTALL)
    for sentence in SENTENCES
}


def told(text: str) -> str:
    """A stored English text in the reader's language; what is none of ours as it stands."""
    known = gettext(text) if text else ""
    if known != text or not text:
        return known
    shape = READ.sub("#", text)
    if gettext(shape) != shape:
        read = iter(READ.findall(text))
        return re.sub("#", lambda _: next(read, "#"), gettext(shape))
    for sentence, pattern in PATTERNS.items():
        found = pattern.fullmatch(text)
        if found is not None:
            said = {name: told(part) for name, part in found.groupdict().items()}
            return gettext(sentence) % said
    return "; ".join(map(told, text.split("; "))) if "; " in text else text
