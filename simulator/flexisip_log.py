"""Writes what a Flexisip 2.5+ at debug level writes (SIP.md §2). Knows no phones' behaviour.

Pointers tie a reply to its request. Local time is written, so the demo runs with TZ=UTC.
REGISTERs are dumped; other requests have their message-level lines only, as with
`contextual-log-filter = request.method == 'REGISTER'`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from simulator.phone import Phone

DOMAIN = "sip.example.org"
TEAM = "ABCD1234"
REASONS = {200: "Registration successful", 401: "Unauthorized"}
PROXY = "0x7f6a4c0"
MESSAGES = (
    "pn-msg-str=IM_MSG;pn-call-str=IC_MSG;pn-groupchat-str=GC_MSG;"
    "pn-call-snd=notes_of_the_optimistic.caf;pn-msg-snd=msg.caf"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One REGISTER as it reaches the proxy."""

    at_ms: int
    pointer: str
    aor: str
    call_id: str
    cseq: int
    expires: int
    is_authorized: bool


def prefix(at_ms: int, level: str) -> str:
    """`2026-07-01 08:00:00:001 flexisip-debug- `: milliseconds behind a colon."""
    moment = datetime.fromtimestamp(at_ms // 1000, UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}:{at_ms % 1000:03d} flexisip-{level}- "


def pointer(number: int) -> str:
    """An address; they are used again after a while, as in a real process."""
    return f"{PROXY}{0x10000 + (number % 2048) * 0x1C0:x}"


def received(phone: Phone, request: Request) -> bytes:
    """The two records of a received REGISTER: header line, then the message."""
    head = prefix(request.at_ms, "message")
    dump = prefix(request.at_ms, "debug")
    return (
        f"{head}Agent::processRequest - Received SIP request [{request.pointer}] "
        f"REGISTER ({request.cseq} - {request.call_id}) "
        f"from {request.aor} to {request.aor}\n"
        f"{dump}Agent::processRequest - Message:\n{message(phone, request)}\n"
    ).encode()


def replied(at_ms: int, pointer: str, status: int, reason: str = "") -> bytes:
    """The record of an answer."""
    phrase = reason or REASONS[status]
    return (
        f"{prefix(at_ms, 'message')}RequestSipEvent[{pointer}]::reply - "
        f"Replying to SIP request: {status} {phrase}\n"
    ).encode()


def pulse(at_ms: int, number: int) -> bytes:
    """A monitor's OPTIONS and its answer: shows that the server and its log are alive."""
    where = pointer(number)
    return (
        f"{prefix(at_ms, 'message')}Agent::processRequest - Received SIP request "
        f"[{where}] OPTIONS ({number % 2**31} - monitor-{number}) "
        f"from sip:monitor@{DOMAIN} to sip:{DOMAIN}\n"
    ).encode() + replied(at_ms, where, 200, "OK")


def forked(phone: Phone, at_ms: int, *, call_id: str, branch: str) -> bytes:
    """The records of an INVITE on its way to the phone."""
    aor = phone.accounts[0]
    user = aor.removeprefix("sip:").partition("@")[0]
    uri = contact(phone, user).partition("<")[2].partition(">")[0]
    lines = [f"INVITE {uri} SIP/2.0", *_call_headers(aor, call_id, branch)]
    return _dump(at_ms, "RequestSipEvent", "send - Sending SIP request", lines)


def rings(phone: Phone, at_ms: int, *, call_id: str, branch: str) -> bytes:
    """The records of its `180 Ringing`."""
    aor = phone.accounts[0]
    user = aor.removeprefix("sip:").partition("@")[0]
    lines = [
        "SIP/2.0 180 Ringing",
        *_call_headers(aor, call_id, branch, tag=f";tag={user}"),
        f"Contact: {contact(phone, user)}",
    ]
    return _dump(
        at_ms, "Agent", "processResponse - Received SIP response 180", lines, branch
    )


def _call_headers(aor: str, call_id: str, branch: str, tag: str = "") -> list[str]:
    return [
        f"Via: SIP/2.0/TLS {DOMAIN}:5061;rport;branch=z9hG4bK.{branch}",
        "Via: SIP/2.0/TLS 10.9.9.9:41000;alias;branch=z9hG4bK.caller;rport",
        f"From: <sip:switchboard@{DOMAIN}>;tag=caller",
        f"To: <{aor}>{tag}",
        "CSeq: 20 INVITE",
        f"Call-ID: {call_id}",
    ]


def _dump(at_ms: int, who: str, what: str, lines: list[str], branch: str = "") -> bytes:
    where = pointer(hash_of(branch or lines[0]))
    head, dump = prefix(at_ms, "message"), prefix(at_ms, "debug")
    text = "".join(f"{line}\r\n" for line in [*lines, "Content-Length: 0", ""])
    return (
        f"{head}{who}[{where}]::{what}\n{dump}{who}[{where}]::send - Message:\n{text}\n"
    ).encode()


def hash_of(text: str) -> int:
    """The same number for the same text in every run."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])


def message(phone: Phone, request: Request) -> str:
    """The REGISTER, headers in Linphone's order, as sofia-sip prints it."""
    chance = Random(f"{request.call_id}/{request.cseq}")
    user = request.aor.removeprefix("sip:").partition("@")[0]
    lines = [
        f"REGISTER sip:{DOMAIN} SIP/2.0",
        f"Via: SIP/2.0/TLS 10.0.0.{phone.port % 250 + 2}:{phone.port};alias;"
        f"branch=z9hG4bK.{word(chance, 9)};rport={phone.port};received={phone.host}",
        f"From: <{request.aor}>;tag={word(Random(request.call_id), 9)}",
        f"To: {request.aor}",
        f"CSeq: {request.cseq} REGISTER",
        f"Call-ID: {request.call_id}",
        "Max-Forwards: 70",
        "Supported: replaces, outbound, gruu",
        "Accept: application/sdp",
        "Accept: text/plain",
        "Accept: application/vnd.gsma.rcs-ft-http+xml",
        f"Contact: {contact(phone, user)}",
        f"Expires: {request.expires}",
        f"User-Agent: {phone.user_agent}",
        "Content-Length: 0",
    ]
    if request.is_authorized:
        lines.append(_authorization(user, chance))
    return "".join(f"{line}\r\n" for line in [*lines, ""])


def contact(phone: Phone, user: str) -> str:
    """The Contact with Linphone's push parameters in SDK 5's order."""
    return (
        f"<sip:{user}@{phone.host}:{phone.port};{push_parameters(phone)};transport=tls>"
        f';+sip.instance="<{phone.instance_id}>"'
    )


def push_parameters(phone: Phone) -> str:
    """`pn-prid=…;pn-provider=…;pn-param=…` and the rest, or Android's three."""
    if phone.provider == "fcm":
        return (
            f"pn-prid={phone.remote_token};pn-provider=fcm;pn-param={phone.bundle_id};"
            f"pn-silent=1;pn-timeout=0"
        )
    label = ":remote" if phone.is_labelled else ""
    return (
        f"pn-prid={phone.voip_token}:voip&{phone.remote_token}{label};"
        f"pn-provider={phone.provider};pn-param={TEAM}.{phone.bundle_id}.voip&remote;"
        f"pn-silent=1;pn-timeout=0;{MESSAGES}"
    )


def word(chance: Random, length: int) -> str:
    """A random identifier as liblinphone makes them."""
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    return "".join(chance.choices(letters, k=length))


def _authorization(user: str, chance: Random) -> str:
    nonce, cnonce = word(chance, 32), word(chance, 16)
    answer = hashlib.sha256(f"{user}:{nonce}:{cnonce}".encode()).hexdigest()
    return (
        f'Authorization:  Digest realm="{DOMAIN}", nonce="{nonce}", algorithm=SHA-256, '
        f'username="{user}", uri="sip:{DOMAIN}", response="{answer}", '
        f'cnonce="{cnonce}", nc=00000001, qop=auth'
    )
