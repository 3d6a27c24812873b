"""SIP messages taken off a wire → records: REGISTERs that were received, and their answers.

The message tells what counts, never the port. A copy that a proxy forwarded is no second
REGISTER; a retransmission is.
"""

from __future__ import annotations

import re
import socket
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from registrations.formats.invites import call_record
from registrations.formats.record import Answer, Record, Request, Unreadable
from registrations.sip import Message, cleaned, read_message

REGISTER = b"REGISTER "
OF_CALLS = (b"SIP/2.0 ", b"INVITE ", b"BYE ")
RESPONSE = re.compile(rb"SIP/2\.0[ \t]+(\d{3})(?!\d)")
HEADERS_END = re.compile(rb"\n\r?\n")
CALL_ID = re.compile(rb"\n(?:call-id|i)[ \t]*:[ \t]*(\S[^\r\n]*)", re.I)
#: RFC 3261 §8.1.1.5 allows 31 bits; senders of more are read too.
CSEQ = re.compile(rb"\ncseq[ \t]*:[ \t]*([0-9]{1,40})[ \t]+REGISTER\b", re.I)
VIA = re.compile(rb"\n(?:via|v)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)", re.I)
#: One more hop in a Via header: `…, SIP/2.0/UDP host` (RFC 3261 §20.42).
HOP = re.compile(rb"SIP[ \t]*/[ \t]*2\.0[ \t]*/", re.I)
#: REGISTERs remembered to know a forwarded copy: a minute of 100 a second.
MOST_REMEMBERED = 6000


class Hop(NamedTuple):
    """Where and when a message was on the wire. Addresses packed as in the IP header.

    `position`: byte offset of the packet record. `micros`: µs since 1970, or None.
    """

    position: int
    micros: int | None
    protocol: str
    source: bytes
    source_port: int
    target: bytes

    @property
    def at(self) -> datetime | None:
        """Aware UTC; None where the capture has no time or an impossible one."""
        if self.micros is None:
            return None
        return moment(self.micros)

    @property
    def sender(self) -> str:
        """`udp:127.0.0.1:15104`, `tcp:[::1]:5070`."""
        return sender(self.protocol, self.source, self.source_port)


def moment(micros: int) -> datetime | None:
    """The time `micros` µs after 1970, aware UTC; None beyond the year 9999."""
    try:
        # A double tells µs apart until the year 2242.
        return datetime.fromtimestamp(micros / 1_000_000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def host(packed: bytes) -> str:
    """A packed address as text, IPv6 in brackets."""
    if len(packed) == 4:
        return socket.inet_ntop(socket.AF_INET, packed)
    return f"[{socket.inet_ntop(socket.AF_INET6, packed)}]"


@lru_cache(4096)
def sender(protocol: str, packed: bytes, port: int) -> str:
    """Protocol, address and port as one word."""
    return f"{protocol}:{host(packed)}:{port}"


@dataclass(slots=True)
class Heard:
    """The first copy of a REGISTER, and the hosts that have received one."""

    raw: bytes
    receivers: set[bytes]


class Wire:
    """Knows the REGISTERs of the last moments, so that forwarded copies are told apart."""

    def __init__(self) -> None:
        self._heard: OrderedDict[tuple[bytes, bytes], Heard] = OrderedDict()

    def datagram(self, payload: bytes, hop: Hop, *, is_cut: bool) -> Record | None:
        """The message of one datagram; what follows it is none (RFC 3261 §18.3).

        `is_cut`: the capture holds only the beginning of the datagram.
        """
        payload = payload.lstrip(b"\r\n")
        end = HEADERS_END.search(payload)
        if end is None and is_cut:
            return unfinished("capture_cut", payload, hop)
        if end is None and not payload.endswith(b"\n"):
            return unfinished("headers_cut", payload, hop)
        return self.message(payload[: end.end()] if end else payload, hop)

    def message(self, head: bytes, hop: Hop) -> Record | None:
        """The record of one message, given from its start line to the end of its headers."""
        if not head.startswith(REGISTER):
            return answer(head, hop) or told_of_call(head, hop)
        message = read_message(head)
        if self._is_forwarded(head, message, hop):
            return None
        return Request(hop.position, hop.at, hop.sender, head, None, message)

    def _is_forwarded(self, head: bytes, message: Message, hop: Hop) -> bool:
        """The same request with a further Via, from a host that had received it."""
        call_id, cseq = message.call_id, message.cseq
        if call_id is None or cseq is None:
            return False
        ident = cleaned(call_id), cleaned(cseq)
        heard = self._heard.get(ident)
        if heard is None:
            self._remember(ident, Heard(head, {hop.target}))
            return False
        if head == heard.raw:
            return False  # a retransmission
        is_forwarded = hop.source in heard.receivers and (
            hop_count(head) > hop_count(heard.raw)
        )
        heard.receivers.add(hop.target)
        return is_forwarded

    def _remember(self, ident: tuple[bytes, bytes], heard: Heard) -> None:
        self._heard[ident] = heard
        if len(self._heard) > MOST_REMEMBERED:
            self._heard.popitem(last=False)


def answer(head: bytes, hop: Hop) -> Answer | None:
    """The answer to a REGISTER as a record; None for any other message."""
    status = RESPONSE.match(head)
    cseq = CSEQ.search(head) if status else None
    if cseq is None:
        return None
    call_id = CALL_ID.search(head)
    return Answer(
        position=hop.position,
        at=hop.at,
        status=int(status[1]),
        call_id=text(call_id[1]) if call_id else None,
        cseq=int(cseq[1]),
    )


def told_of_call(head: bytes, hop: Hop) -> Record | None:
    """What a message says of a call; None for one of no call."""
    if not head.startswith(OF_CALLS):
        return None
    return call_record(hop.position, hop.at, hop.sender, head, read_message(head))


def unfinished(rule: str, head: bytes, hop: Hop) -> Unreadable | None:
    """A REGISTER whose headers do not end; None for the beginning of anything else."""
    if not head.startswith(REGISTER):
        return None
    detail = f"a REGISTER of which only {len(head)} bytes are there"
    return Unreadable(
        position=hop.position, at=hop.at, rule=rule, detail=detail, raw=head
    )


def hop_count(head: bytes) -> int:
    """How many Via a message has, in headers of their own or behind commas."""
    return sum(max(1, len(HOP.findall(value))) for value in VIA.findall(head))


def text(value: bytes) -> str:
    """A header value as `read_register` has it."""
    return value.rstrip().decode("utf-8", "backslashreplace")
