"""Who is one device, and what one accepted REGISTER changes of it.

Works on rows in memory that `registrations.batch` loaded and will write.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from registrations.models import Device, DeviceEvent, Registration
from registrations.sip import Contact, Register
from registrations.storable import short

#: A binding cannot last longer than this (the registrar's own limit is far below).
LONGEST_BINDING = timedelta(days=3650)
#: Later time stamps are forged, and arithmetic on them would overflow.
LAST_YEAR = 9900


@dataclass(frozen=True, slots=True)
class Change:
    """What a REGISTER meant for one device: the registration's kind, and its turning points.

    `events` are (kind, token key or None, before, after).
    """

    kind: str
    is_news: bool
    events: tuple[tuple[str, tuple | None, dict, dict], ...] = ()


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


def user_at_host(uri: str) -> str:
    """`user@host` of a URI, without scheme, port, parameters and headers."""
    rest = uri.partition(":")[2]
    user, at, host = rest.rpartition("@")
    host = host.partition(";")[0].partition("?")[0]
    bare, colon, port = host.rpartition(":")
    host = bare if colon and port.isdigit() and not bare.endswith(":") else host
    return f"{user}{at}{host.lower()}"


def token_keys(contact: Contact) -> dict[str, tuple[str, str, str, str]]:
    """kind → (environment, bundle id, kind, token in lower case) of an APNs Contact."""
    if not (contact.environment and contact.bundle_id):
        return {}
    return {
        kind: (contact.environment, contact.bundle_id, kind, token.lower())
        for kind, token in contact.tokens.items()
    }


def is_stale(device: Device, call_id: str, cseq: int, moment: datetime | None) -> bool:
    """True for a REGISTER older than what the device's row already says."""
    if device.call_id == call_id and device.cseq is not None and cseq < device.cseq:
        return True
    last = device.last_registered_at
    return bool(moment and last and moment < last)


def apply(
    device: Device,
    contact: Contact,
    held: dict[str, tuple],
    *,
    user_agent: str,
    moment: datetime | None,
    expires: int,
) -> Change:
    """Bring the device's row up to this Contact. `held`: its tokens before, kind → key."""
    is_new = not device.accepted
    was_bound = device.bound
    keys = token_keys(contact)
    problems = [
        {"rule": problem.rule, "detail": problem.detail} for problem in contact.problems
    ]
    is_news = is_new or device.contact != contact.uri or device.problems != problems
    device.accepted = True
    device.bound = expires > 0
    device.contact = contact.uri
    device.user_agent = user_agent or device.user_agent
    device.pn_provider = contact.pn_provider or ""
    device.pn_param = contact.pn_param or ""
    device.team_id = contact.team_id or ""
    device.bundle_id = contact.bundle_id or ""
    device.environment = contact.environment or ""
    device.problems = problems
    if moment is not None:
        device.last_registered_at = moment
        device.first_seen_at = device.first_seen_at or moment
        device.last_seen_at = max(device.last_seen_at or moment, moment)
        lasts = min(timedelta(seconds=expires), LONGEST_BINDING)
        device.expires_at = moment + lasts if moment.year < LAST_YEAR else None
    else:
        device.expires_at = None
    if expires == 0:
        events = [(DeviceEvent.Kind.LOGGED_OUT, None, {}, {})] if was_bound else []
        return Change(Registration.Kind.UNREGISTERED, True, tuple(events))
    events = tuple(_token_events(held, keys))
    is_news = is_news or bool(events) or not was_bound
    kind = Registration.Kind.REGISTERED if is_news else Registration.Kind.REFRESHED
    return Change(kind, is_news, events)


def _token_events(held: dict[str, tuple], keys: dict[str, tuple]):
    for kind, before in held.items():
        after = keys.get(kind)
        if after is None:
            yield DeviceEvent.Kind.TOKEN_LOST, before, {kind: before[3]}, {}
        elif after != before:
            yield (
                DeviceEvent.Kind.TOKEN_CHANGED,
                after,
                {kind: before[3]},
                {kind: after[3]},
            )
