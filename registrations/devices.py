"""Who is one device, and what one accepted REGISTER changes of it.

Works on rows in memory that `registrations.known` loaded and `saving` will write.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache

from registrations.known import DeviceRow, TokenKey
from registrations.sip import Contact, Register
from registrations.storable import short, small

#: A binding cannot last longer than this (the registrar's own limit is far below).
LONGEST_BINDING = timedelta(days=3650)
#: Later time stamps are forged, and arithmetic on them would overflow.
LAST_YEAR = 9900


def identify(aor: str, contact: Contact) -> str:
    """The identity of the device a Contact belongs to: unique, and stable over REGISTERs.

    AOR + instance-id; without one AOR + bundle id + voip (else remote) token; without
    either AOR + the Contact's user@host.
    """
    if contact.instance_id:
        return short(f"{aor} {contact.instance_id}")
    token = contact.tokens.get("voip") or contact.tokens.get("remote")
    if token and contact.bundle_id:
        return short(f"{aor} {contact.bundle_id} {token.lower()}")
    return short(f"{aor} {user_at_host(contact.uri)}")


def is_leftover(contact: Contact, register: Register) -> bool:
    """True for a previous address given up beside the live one of the same device.

    Linphone sends `;expires=0` for the old Contact in the REGISTER that brings the new.
    """
    if contact.expires != 0:
        return False
    identity = identify(register.aor, contact)
    return any(
        other.expires != 0 and identify(register.aor, other) == identity
        for other in register.contacts
    )


def repeats(device: DeviceRow | None, contact: Contact) -> bool:
    """True for the Contact that the device has already, tokens and all, with nothing wrong."""
    return (
        device is not None
        and device.settled
        and device.bound
        and device.accepted
        and device.contact == contact.uri
        and contact.expires != 0
        # Of the same URI the device's row says what is wrong.
        and not (contact.stray or device.problems or device.refusal)
    )


def user_at_host(uri: str) -> str:
    """`user@host` of a URI, without scheme, port, parameters and headers."""
    rest = uri.partition(":")[2]
    user, at, host = rest.rpartition("@")
    host = host.partition(";")[0].partition("?")[0]
    bare, colon, port = host.rpartition(":")
    host = bare if colon and port.isdigit() and not bare.endswith(":") else host
    return f"{user}{at}{host.lower()}"


def token_keys(contact: Contact) -> dict[str, TokenKey]:
    """kind → (environment, bundle id, kind, token in lower case) of an APNs Contact."""
    if not (contact.environment and contact.bundle_id):
        return {}
    return {
        kind: (contact.environment, contact.bundle_id, kind, token.lower())
        for kind, token in contact.tokens.items()
    }


def is_stale(device: DeviceRow, register: Register, moment: datetime | None) -> bool:
    """True for a REGISTER older than what the device's row already says.

    Within one Call-ID the CSeq decides (RFC 3261 §10.2): a clock that was set back must not
    freeze a phone that goes on registering.
    """
    if device.call_id == register.call_id and device.cseq is not None:
        return register.cseq < device.cseq
    last = device.last_registered_at
    return bool(moment and last and moment < last)


def apply(
    device: DeviceRow,
    contact: Contact,
    register: Register,
    *,
    moment: datetime | None,
    expires: int,
) -> bool:
    """Bring the device's row up to this Contact; True when it says something new."""
    problems = [
        {"rule": problem.rule, "detail": problem.detail} for problem in contact.problems
    ]
    is_news = (
        not device.accepted
        or device.contact != contact.uri
        or device.problems != problems
        or device.bound != (expires > 0)
    )
    device.accepted = True
    device.refusal = None
    device.bound = expires > 0
    push = contact.push
    device.contact = contact.uri
    device.pn_provider = push.pn_provider or ""
    device.pn_param = push.pn_param or ""
    device.team_id = push.team_id or ""
    device.bundle_id = push.bundle_id or ""
    device.environment = push.environment or ""
    device.problems = problems
    prolong(device, register, moment=moment, expires=expires)
    return is_news


def prolong(
    device: DeviceRow, register: Register, *, moment: datetime | None, expires: int
) -> None:
    """Bring the row up to an accepted Contact that says what the device has already."""
    device.user_agent = register.user_agent or device.user_agent
    device.call_id, device.cseq = register.call_id, small(register.cseq)
    device.expires_at = _expiry(moment, expires)
    if moment is not None:
        device.last_registered_at = moment
        device.first_seen_at = device.first_seen_at or moment


def _expiry(moment: datetime | None, expires: int) -> datetime | None:
    if moment is None or moment.year >= LAST_YEAR:
        return None
    return moment + _span(expires)


@lru_cache(256)
def _span(expires: int) -> timedelta:
    return min(timedelta(seconds=expires), LONGEST_BINDING)


def refuse(
    device: DeviceRow, contact: Contact, status: int, moment: datetime | None
) -> None:
    """The registrar said no: nothing changes but what the phone now believes.

    A phone refused with new tokens believes it registered tokens that nobody holds
    (Kamailio answers 400 to a Contact longer than it stores).
    """
    held = {key[2]: key[3] for key in device.holdings}
    tokens = {kind: token.lower() for kind, token in contact.tokens.items()}
    device.refusal = {
        "status": status,
        "moment": moment.isoformat() if moment else None,
        "contact": contact.uri,
        "unheld": {
            kind: token for kind, token in tokens.items() if held.get(kind) != token
        },
    }
