"""What a log line's words say of the way a message went."""

from __future__ import annotations

import re

#: In lower case: who wrote the log chose the case.
SENT = re.compile(
    # What a Linphone client's log says was `sent to [` is the registration itself.
    rb"\b(?:sending|sent(?! to \[)|send|forward\w*|relay\w*|onsend|outgoing|transmit\w*"
    rb"|out (?:to|udp|tcp|tls|sctp|wss?))\b"
)
RECEIVED = re.compile(rb"\b(?:received?|receiving|incoming|got|read from)\b")


def is_sent(line: bytes) -> bool:
    """True where a line in lower case speaks of sending and not of receiving."""
    return bool(SENT.search(line)) and not RECEIVED.search(line)


#: What logs of no known kind say besides: `TX 505 bytes Request msg …` (pjsip), an arrow.
OUT = re.compile(rb"\btx\b|<-{2,}|<{3,}")
IN = re.compile(rb"\brx\b")


def may_be_sent(line: bytes) -> bool:
    """The same of a line, in lower case, of a log of no known kind."""
    return is_sent(line) or bool(
        OUT.search(line) and not RECEIVED.search(line) and not IN.search(line)
    )
