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
            f'{{"at": {"null" if at is None else _string(at)}, '
            f'"format": {_string(format)}, "position": {request.position}, '
            f'"source": {"null" if source is None else _string(source)}, '
            f'"call_id": {_string(register.call_id)}, "cseq": {register.cseq}, '
            f'"expires": {"null" if expires is None else expires}, '
            f'"user_agent": {"null" if agent is None else _string(agent)}, '
            f'"status": {"null" if status is None else status}, '
            f'"aor": {_string(register.aor)}, '
            f'"contacts": {self._contacts_of(register.contacts)}}}'
        )

    def _contacts_of(self, contacts: tuple[Contact, ...]) -> str:
        known = self._contacts.get(id(contacts))
        if known is None:
            if len(self._contacts) >= REMEMBERED:
                self._contacts.clear()
            text = json.dumps([contact_of(contact) for contact in contacts])
            known = self._contacts[id(contacts)] = contacts, text
        return known[1]


def error_row(error: SipError, position: int) -> str:
    """A message that could not be read."""
    return json.dumps({"error": error.detail, "rule": error.rule, "position": position})


def contact_of(contact: Contact) -> dict:
    """One Contact as `parse` prints it."""
    problems = [
        {"rule": problem.rule, "detail": problem.detail} for problem in contact.problems
    ]
    return {
        "uri": contact.uri,
        "instance_id": contact.instance_id,
        "expires": contact.expires,
        "q": contact.q,
        "pn_provider": contact.pn_provider,
        "pn_param": contact.pn_param,
        "pn_prid": contact.pn_prid,
        "team_id": contact.team_id,
        "bundle_id": contact.bundle_id,
        "environment": contact.environment,
        "tokens": contact.tokens,
        "problems": problems,
    }


def iso(at: datetime | None) -> str | None:
    """ISO 8601 UTC, or None."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None
