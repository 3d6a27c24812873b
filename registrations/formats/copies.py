"""Which messages are forwarded copies of one seen before: they have a Via more.

A proxy adds its own Via before the message goes on (RFC 3261 §16.6 step 8), so the next hop
receives the same Call-ID and CSeq with one more. A retransmission has as many as before.
"""

from __future__ import annotations

import re
from collections import OrderedDict

CALL_ID = re.compile(rb"(?i)\n(?:call-id|i)[ \t]*:[ \t]*(\S+)")
CSEQ = re.compile(rb"(?i)\ncseq[ \t]*:[ \t]*(\d{1,40})")
VIA = re.compile(rb"(?i)\n(?:via|v)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)")
HOP = re.compile(rb"(?i)\bSIP[ \t]*/[ \t]*2\.0[ \t]*/[ \t]*\w")
HEADERS_END = re.compile(rb"\n\r?\n")
#: Requests remembered: a copy follows within milliseconds.
REMEMBERED = 2000


class Copies:
    """Remembers how many hops the first copy of each recent request had come."""

    def __init__(self) -> None:
        self._hops: OrderedDict[tuple[bytes, bytes], int] = OrderedDict()

    def is_forwarded(self, raw: bytes) -> bool:
        """True for a request that an earlier one became on its way."""
        head = HEADERS_END.search(raw)
        end = head.end() if head else len(raw)
        call_id, cseq = CALL_ID.search(raw, 0, end), CSEQ.search(raw, 0, end)
        if call_id is None or cseq is None:
            return False
        hops = sum(len(HOP.findall(via)) for via in VIA.findall(raw, 0, end))
        first = self._hops.setdefault((call_id[1], cseq[1]), hops)
        if len(self._hops) > REMEMBERED:
            self._hops.popitem(last=False)
        return hops > first
