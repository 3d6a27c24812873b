"""REGISTERs as the JSON lines `manage.py parse` prints: its contract with the world."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import lru_cache

from registrations.answers import Waiting
from registrations.sip import Contact, Problem, SipError

#: JSON of Contacts remembered: phones send the same ones again and again.
REMEMBERED = 4096

_string = json.encoder.encode_basestring_ascii


class Rows:
    """Renders rows. Written out by hand: `json.dumps` of a dict costs as much as all the
    reading before it.
    """

    def __init__(self) -> None:
        self._format, self._shown = "", '""'
        #: By identity: `read_register` hands out one tuple for one Contact header.
        self._contacts: dict[int, tuple[tuple[Contact, ...], str]] = {}

    def register(self, item: Waiting, format: str) -> str:
        """One REGISTER; every key always there."""
        request = item.request
        at, source = request.at, request.source
        aor, call_id, cseq, expires, agent, contacts, _ = item.register
        status = item.status
        if format is not self._format:
            self._format, self._shown = format, _string(format)
        known = self._contacts.get(id(contacts))
        text = known[1] if known is not None else self._read(contacts)
        return (
            f'{{"at": {"null" if at is None else _moment(at)}, "format": {self._shown}, '
            f'"position": {request.position}, '
            f'"source": {"null" if source is None else _string(source)}, '
            f'"call_id": {_string(call_id)}, "cseq": {cseq}, '
            f'"expires": {"null" if expires is None else expires}, '
            f'"user_agent": {"null" if agent is None else _string(agent)}, '
            f'"status": {"null" if status is None else status}, '
            f'"aor": {_string(aor)}, "contacts": {text}}}'
        )

    def _read(self, contacts: tuple[Contact, ...]) -> str:
        if len(self._contacts) >= REMEMBERED:
            self._contacts.clear()
        text = f"[{', '.join(map(_contact, contacts))}]"
        self._contacts[id(contacts)] = contacts, text
        return text


def error_row(error: SipError, position: int) -> str:
    """A message that could not be read."""
    return json.dumps({"error": error.detail, "rule": error.rule, "position": position})


def _quoted(text: str) -> str:
    return f'"{text}"'


def _text(value: str | None) -> str:
    return "null" if value is None else _string(value)


def _contact(contact: Contact) -> str:
    push, expires, q = contact.push, contact.expires, contact.q
    tokens, uri = push.tokens, contact.uri
    instance_id, prid = contact.instance_id, push.pn_prid
    shown = _string(uri)
    # What push parameters say are pieces of the URI: none to escape where it has none.
    is_plain = len(shown) == len(uri) + 2 and "%" not in uri
    string = _quoted if is_plain else _string
    held = ", ".join([f'"{kind}": {string(token)}' for kind, token in tokens.items()])
    broken = ", ".join(map(_problem, push.problems)) if push.problems else ""
    return (
        f'{{"uri": {shown}, '
        f'"instance_id": {"null" if instance_id is None else _string(instance_id)}, '
        f'"expires": {"null" if expires is None else expires}, '
        f'"q": {"null" if q is None else _string(q)}, '
        f'{_declared(push.pn_provider, push.pn_param)}"pn_prid": '
        f"{'null' if prid is None else string(prid)}, "
        f"{_named(push.team_id, push.bundle_id, push.environment)}"
        f'"tokens": {{{held}}}, "problems": [{broken}]}}'
    )


@lru_cache(256)
def _declared(provider: str | None, param: str | None) -> str:
    """The same for all phones of an app."""
    return f'"pn_provider": {_text(provider)}, "pn_param": {_text(param)}, '


@lru_cache(256)
def _named(team: str | None, bundle: str | None, world: str | None) -> str:
    """The same for all phones of an app."""
    return (
        f'"team_id": {_text(team)}, "bundle_id": {_text(bundle)}, '
        f'"environment": {_text(world)}, '
    )


def _problem(problem: Problem) -> str:
    return f'{{"rule": {_string(problem.rule)}, "detail": {_string(problem.detail)}}}'


@lru_cache(64)
def _moment(at: datetime) -> str:
    return f'"{iso(at)}"'


def iso(at: datetime | None) -> str | None:
    """ISO 8601 UTC, or None."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None
