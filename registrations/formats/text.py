"""The text inside a wrapped log record: a line of some SIP server's words, then perhaps a
message. Which server wrote it shows in the words.
"""

from __future__ import annotations

import re

from registrations.formats import flexisip, kamailio
from registrations.formats.form import Format, Lead
from registrations.formats.plain import START


class Text(Format):
    """What the first line says, in the words of any server we know."""

    name = "text"
    markers = flexisip.Flexisip.markers
    has_bodies = True

    def __init__(self) -> None:
        self._exchange = flexisip.Exchange()

    @property
    def anchor(self) -> int | None:
        return self._exchange.anchor

    def lead(self, line: bytes, position: int) -> Lead | None:
        if START.match(line) or not line.strip():
            return None
        return self._exchange.told(line, None, position) or _whole(kamailio.told(line))

    def message_read(self) -> None:
        self._exchange.message_read()


def _whole(lead: Lead) -> Lead:
    """The wrapper already says where the record ends, and may have changed its length."""
    lead.size = None
    return lead


class Bare(Text):
    """The text alone, as `journalctl -o cat` prints it: nothing tells when.

    Kamailio begins a line with its level, Flexisip with a function.
    """

    name = "cat"
    prefix = re.compile(
        rb"(?:DEBUG|INFO|NOTICE|WARNING|ERROR|CRITICAL|ALERT|BUG): (?:<|[a-z_]+ \[)"
        rb"|[A-Za-z]\w*(?:\[0x[0-9a-f]+\])?::\w+ - "
    )

    def lead(self, line: bytes, position: int) -> Lead | None:
        return super().lead(line, position) if self.prefix.match(line) else None
