"""The text inside a wrapped log record: a line of some SIP server's words, then perhaps a
message. Which server wrote it shows in the words.
"""

from __future__ import annotations

import re

from registrations.formats import asterisk, flexisip, kamailio
from registrations.formats.form import Format, Lead, start_line
from registrations.formats.plain import START
from registrations.formats.xlog import Template
from registrations.sip import Message


class Text(Format):
    """What the first line says, in the words of any server we know."""

    name = "text"
    markers = (*flexisip.Flexisip.markers, flexisip.DUMP)
    has_bodies = True
    #: The journal takes blanks off the end of what it is told.
    has_ends = False
    #: Words that end in `SIP/2.0` may be those of a server.
    start = start_line(rb"(?=%b)" % START.pattern)

    def __init__(self, template: Template) -> None:
        self._template = template
        self.markers = (*Text.markers, template.marker)
        self.folded = template.marker
        self._exchange = flexisip.Exchange()

    @property
    def anchor(self) -> int | None:
        return self._exchange.anchor

    def lead(self, line: bytes, position: int) -> Lead | None:
        if START.match(line) or not line.strip():
            return None
        # Flexisip, too, says "Received SIP request": Asterisk's arrows are told first.
        told = asterisk.told(line) or self._exchange.told(line, None, position)
        if told is not None:
            return _whole(told)
        return _whole(kamailio.told(line, position, self._template))

    def message_read(self, lead: Lead, message: Message) -> Lead:
        return self._exchange.message_read(lead, message)


def _whole(lead: Lead) -> Lead:
    """The wrapper already says where the record ends, and may have changed its length."""
    lead.size = None
    return lead


class Bare(Text):
    """The text alone, as `journalctl -o cat` prints it: nothing tells when.

    Kamailio begins a line with its level, Flexisip from 2.5 on with a function, before
    with words of its own.
    """

    name = "cat"
    prefix = re.compile(
        rb"(?:DEBUG|INFO|NOTICE|WARNING|ERROR|CRITICAL|ALERT|BUG): "
        # What `log_prefix` of Kamailio adds: by its own example method, CSeq and Call-ID.
        rb"(?:\{[^\r\n]{0,400}?\} ?)?(?:<|[a-z_]+ \[)"
        rb"|[A-Za-z]\w*(?:\[0x[0-9a-f]+\])?::\w+ - "
        # What printed to its output, as the journal took it: Kamailio, Asterisk.
        rb"|%b|%b|(?:\x1b\[[0-9;]*m)*<--- "
        rb"|Receiving new |Sending Re|Replying Re|Invoking on|nta: "
        % (kamailio.PREFIX.pattern, asterisk.PREFIX.pattern)
    )

    start = start_line(rb"(?!%b)" % prefix.pattern)

    def lead(self, line: bytes, position: int) -> Lead | None:
        return super().lead(line, position) if self.prefix.match(line) else None
