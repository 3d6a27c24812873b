"""Kamailio's stderr log with whole messages, as xlog("... $mb") prints them.

` 2(24850) INFO: <script>: RECEIVED REGISTER from udp:127.0.0.1:15101 (size 972)`, then the
message. No time, and the registrar's answer only where the operator logs it.
"""

from __future__ import annotations

import re

from registrations.formats.cutting import has_body
from registrations.formats.form import Format, Lead
from registrations.formats.messages import REGISTER, record_of
from registrations.formats.record import Brief, Record, Request
from registrations.formats.sent import is_sent
from registrations.formats.xlog import Template
from registrations.sip import made, usual_headers, usual_message, without_groups

#: With `log_color=yes` a line begins with the end of the last one's colour and its own.
PREFIX = re.compile(
    rb"(?:\x1b\[[\d;]{1,16}m){0,4} {0,3}\d+\(\d+\) +"
    rb"(?:DEBUG|INFO|NOTICE|WARNING|ERROR|CRITICAL|ALERT|BUG): "
)
#: In lower case, as the other patterns here: the operator chose the words, and the case.
#: An IPv6 address is printed without brackets by `$si`.
PEER = re.compile(
    rb"from[ :=]+((?:udp|tcp|tls|sctp|ws|wss):"
    # An IPv4 address by itself: what it is nearly always, and what ends soonest.
    rb"(?:[\d.]+(?=:\d{1,5}[\s,;)])|(\[?[\w.:-]+\]?)):\d{1,5})(?=[\s,;:)]|$)"
    rb"(?:.*?\((?:size|len|length)[ =:]*(\d{1,6})\)\s*$)?"
)
#: What the line of docs/sources.md prints for a message that came over IPv4.
USUAL = (
    rb"<script>: RECEIVED [A-Z]+ from ((?:udp|tcp|tls):[\d.]+:\d{1,5}) "
    rb"\(size (\d{1,6})\)\n"
)
CR, SLASH = b"\r/"
USUAL_START = rb"([A-Z]+ \S+ SIP/2\.0\r?\n)"


class Kamailio(Format):
    """A process number and a level before each line of Kamailio's own."""

    name = "kamailio"
    prefix = PREFIX
    may_lose_ends = True

    def __init__(self, template: Template) -> None:
        self._template = template
        self.markers = (template.marker,)
        self.folded = template.marker
        #: No `USUAL` line has the marker in it.
        self._is_apart = b"=" in template.marker
        line = without_groups(self.prefix.pattern) + USUAL
        self._usual_line = re.compile(line).fullmatch
        self._usual = re.compile(line + USUAL_START + usual_headers()).match
        words = rb"(?:<script>: )?" + re.escape(template.second)
        self._usual_brief = re.compile(self.prefix.pattern + words).match

    def lead(self, line: bytes, position: int) -> Lead | None:
        usual = self._usual_line(line) if line.find(self.folded) < 0 else None
        if usual is not None:
            source, size = usual.groups()
            return Lead(position, None, str(source, "ascii"), None, True, int(size))
        if not self.prefix.match(line):
            return None
        return told(line, position, self._template)

    def usual(
        self, data: bytes, floor: int, start: int, mark: int, base: int
    ) -> tuple[Record | None, int] | None:
        if data[mark] != SLASH:
            return self._brief(data, start, mark, base)
        # Of the start line the line above and all of the message.
        at = data.rfind(b"\n", floor, start - 1) + 1 or floor
        found = self._usual(data, at) if start > floor else None
        if found is None or not (
            self._is_apart or data.find(self.folded, at, start) < 0
        ):
            return None
        values = found.groups()
        source, size, message = values[0], values[1], usual_message(values[2:])
        after, end = found.end(), start + int(size)
        if after != end and not has_body(message, data, after, end):
            return None
        position, raw, source = base + at, data[start:end], source.decode()
        if raw[: len(REGISTER)] == REGISTER:
            request = position, None, source, raw, None, message
            return made(Request, request), end
        return record_of(Lead(position, None, source), raw, message), end

    def _brief(
        self, data: bytes, start: int, mark: int, base: int
    ) -> tuple[Brief, int] | None:
        """The line at `start`, where it ends as the log's own do."""
        end = data.find(b"\n", mark) + 1
        if (
            mark + len(self.folded) > end
            or data[end - 2] == CR
            or self._usual_brief(data, start, end) is None
        ):
            return None
        return made(Brief, (base + start, None, None, data[start:end])), end


def told(line: bytes, position: int, template: Template) -> Lead:
    """What an xlog line says: a REGISTER in the words of the template, or something of the
    message behind it in words the operator chose.
    """
    if line.find(template.marker) >= 0 and line.find(template.second) >= 0:
        brief = made(Brief, (position, None, None, line))
        return Lead(position, None, None, None, True, None, None, (brief,))
    line = line.lower()
    # Most lines say so, and need not be looked at further.
    received = line.find(b" received") >= 0 or not is_sent(line)
    peer = PEER.search(line)
    if peer is None:
        return Lead(position, None, None, None, received)
    source, host, size = peer.groups()
    if host is not None:
        source = _bracketed(source, host)
    shown = str(source, "ascii", "replace")
    return Lead(position, None, shown, None, received, int(size) if size else None)


def _bracketed(source: bytes, host: bytes) -> bytes:
    if host.find(b":") < 0 or host.startswith(b"["):
        return source
    protocol, port = source.partition(b":")[0], source.rpartition(b":")[2]
    return b"%b:[%b]:%b" % (protocol, host, port)
