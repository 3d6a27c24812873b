"""Calls as a log or capture shows them: INVITEs on their way, what answers them, BYEs.

A call forks: each phone has a branch of its own (RFC 3261 §16.6), and what it answers comes
back through that branch. Nothing here says whose phone it was.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache

from registrations.formats.record import Branch, Hangup, Response
from registrations.sip import (
    MalformedMessage,
    Message,
    aor_of,
    cleaned,
    decoded,
    made,
    read_address,
    text_of,
)

INVITE, BYE, ANSWER = OF_CALLS = b"INVITE ", b"BYE ", b"SIP/2.0 "
#: The branch of the topmost Via (RFC 3261 §8.1.1.7).
BRANCH = re.compile(
    rb"\n(?:via|v)[ \t]*:[^\n,]*?;[ \t]*branch[ \t]*=[ \t]*\"?([^\s;,\"]+)", re.I
)
FROM = re.compile(rb"\n(?:from|f)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)", re.I)
TAG = re.compile(rb";[ \t]*tag[ \t]*=", re.I)
#: A URI in <> with no display name before it and nothing unusual in quotes behind.
PLAIN_URI = re.compile(rb'\s*<([!-;=?-~]+)>[^"]*(?:"[^"\\]*"[^"]*)*')
OF_INVITE = re.compile(rb"\d{1,40}[ \t]+INVITE\b")
#: `100 Trying` is the next hop's word, not the phone's.
LEAST_STATUS = 180


def call_record(
    position: int, at: datetime | None, source: str | None, raw: bytes, message: Message
) -> Branch | Response | Hangup | None:
    """What a message that is no REGISTER says of a call; None for anything else.

    `source`: `udp:host:port` where the capture knows the sender.
    """
    call_id = text_of(message.call_id)
    if call_id is None:
        return None
    if raw.startswith(ANSWER):
        return _response(position, at, source, raw, message, call_id)
    if raw.startswith(BYE):
        return Hangup(position, at, call_id)
    if raw.startswith(INVITE):
        return _branch(position, at, raw, message, call_id)
    return None


def _branch(
    position: int, at: datetime | None, raw: bytes, message: Message, call_id: str
) -> Branch | None:
    branch, to = BRANCH.search(raw), message.to or b""
    # Inside a dialog (RFC 3261 §14) nothing rings.
    if branch is None or TAG.search(to):
        return None
    sender = FROM.search(raw)
    target = message.start_line.split(b" ")[1] if b" " in message.start_line else b""
    from_aor = _aor(sender[1]) if sender else ""
    contact = _uri(message.contacts[0]) if message.contacts else ""
    name, to_aor = decoded(branch[1]), _aor(to)
    values = (position, at, name, call_id, decoded(target), to_aor, from_aor, contact)
    return made(Branch, values)


def _response(
    position: int,
    at: datetime | None,
    source: str | None,
    raw: bytes,
    message: Message,
    call_id: str,
) -> Response | None:
    if OF_INVITE.match(cleaned(message.cseq or b"")) is None:
        return None
    status, branch = raw[len(ANSWER) : len(ANSWER) + 3], BRANCH.search(raw)
    if branch is None or not status.isdigit() or int(status) < LEAST_STATUS:
        return None
    return Response(
        position=position,
        at=at,
        branch=decoded(branch[1]),
        call_id=call_id,
        status=int(status),
        instance_id=_instance(message.contacts),
        source=source,
        line=decoded(cleaned(message.start_line)),
    )


def _instance(contacts: tuple[bytes, ...]) -> str | None:
    try:
        value = read_address(decoded(cleaned(contacts[0]))).param("+sip.instance")
    except (IndexError, MalformedMessage):
        return None
    return value.strip("<>") if value else None


def _uri(value: bytes) -> str:
    plain = PLAIN_URI.fullmatch(value)
    if plain is not None:
        return str(plain[1], "ascii")
    try:
        return read_address(decoded(cleaned(value))).uri
    except MalformedMessage:
        return ""


@lru_cache(1024)
def _aor(value: bytes) -> str:
    return aor_of(_uri(value))
