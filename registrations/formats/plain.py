"""Plain SIP text: messages one behind the other, with no log around them."""

from __future__ import annotations

import re

from registrations.formats.form import Format, start_line

START = re.compile(
    rb"(?:[A-Z]+ +\S+ +SIP/2\.0|SIP/2\.0 \d{3}(?: [^\r\n]*)?)[ \t]*\r?\n"
)


class Plain(Format):
    """Nothing tells when or from where; a message ends with its Content-Length."""

    name = "plain"
    #: A start line among headers: the message before it was cut off.
    prefix = START
    start = start_line(b"")
