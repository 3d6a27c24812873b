"""REGISTERs as the JSON lines `manage.py parse` prints: its contract with the world."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from registrations.answers import Waiting
from registrations.sip import Contact, SipError

#: JSON of Contacts remembered: phones send the same ones again and again.
REMEMBERED = 4096

_string = json.encoder.encode_basestring_ascii


class Rows:
    """Renders rows. Written out by hand: `json.dumps` of a dict costs as much as all the
    reading before it.
    """

    def __init__(self) -> None:
        #: By identity: `read_register` hands out one tuple for one Contact header.
        self._contacts: dict[int, tuple[tuple[Contact, ...], str]] = {}

    def register(self, item: Waiting, format: str) -> str:
        """One REGISTER; every key always there."""
        request, register = item.request, item.register
        at, source, agent = iso(request.at), request.source, register.user_agent
        expires, status = register.expires, item.status
        return (
            f'{{"at": {_text(at)}, '
            f'"format": {_string(format)}, "position": {request.position}, '
            f'"source": {_text(source)}, '
            f'"call_id": {_string(register.call_id)}, "cseq": {register.cseq}, '
            f'"expires": {"null" if expires is None else expires}, '
            f'"user_agent": {_text(agent)}, '
            f'"status": {"null" if status is None else status}, '
            f'"aor": {_string(register.aor)}, '
            f'"contacts": {self._contacts_of(register.contacts)}}}'
        )

    def _contacts_of(self, contacts: tuple[Contact, ...]) -> str:
        known = self._contacts.get(id(contacts))
        if known is None:
            if len(self._contacts) >= REMEMBERED:
                self._contacts.clear()
            text = ", ".join(map(_contact, contacts))
            known = self._contacts[id(contacts)] = contacts, f"[{text}]"
        return known[1]


def error_row(error: SipError, position: int) -> str:
    """A message that could not be read."""
    return json.dumps({"error": error.detail, "rule": error.rule, "position": position})


def _text(value: str | None) -> str:
    return "null" if value is None else _string(value)


def _contact(contact: Contact) -> str:
    uri, instance_id, expires, q, provider, param, prid, team, bundle, world, *rest = (
        contact
    )
    tokens, problems = rest
    held = ", ".join(
        f"{_string(kind)}: {_string(token)}" for kind, token in tokens.items()
    )
    broken = ", ".join(
        f'{{"rule": {_string(problem.rule)}, "detail": {_string(problem.detail)}}}'
        for problem in problems
    )
    return (
        f'{{"uri": {_string(uri)}, "instance_id": {_text(instance_id)}, '
        f'"expires": {"null" if expires is None else expires}, "q": {_text(q)}, '
        f'"pn_provider": {_text(provider)}, "pn_param": {_text(param)}, '
        f'"pn_prid": {_text(prid)}, "team_id": {_text(team)}, '
        f'"bundle_id": {_text(bundle)}, "environment": {_text(world)}, '
        f'"tokens": {{{held}}}, "problems": [{broken}]}}'
    )


def iso(at: datetime | None) -> str | None:
    """ISO 8601 UTC, or None."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None
