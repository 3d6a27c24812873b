"""Plain SIP text: messages one behind the other, with no log around them."""

from __future__ import annotations

from registrations.formats.reader import Format


class Plain(Format):
    """Nothing tells when or from where; a message ends with its Content-Length."""

    name = "plain"
