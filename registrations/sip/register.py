"""A received REGISTER as values (RFC 3261 §10.2, RFC 8599 §4.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .address import Address, aor_of, read_address, split_outside_quotes, uri_params
from .errors import MalformedMessage
from .message import Message, read_message
from .push_params import LEGACY, RFC_8599, Problem, read_push_params

#: RFC 3261 §20.19: delta-seconds go up to 2**32 - 1.
LONGEST_EXPIRES = 2**32 - 1
DIGITS = re.compile(r"\s*([0-9]+)\s*(?:;.*)?")
CSEQ = re.compile(r"([0-9]+)[ \t]+(\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One Contact of a REGISTER; `expires` in seconds as asked for, None where nothing says."""

    uri: str
    instance_id: str | None
    expires: int | None
    q: str | None
    pn_provider: str | None
    pn_param: str | None
    pn_prid: str | None
    team_id: str | None
    bundle_id: str | None
    environment: str | None
    tokens: dict[str, str]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """One REGISTER request. `authorized`: it carries credentials."""

    aor: str
    call_id: str
    cseq: int
    expires: int | None
    user_agent: str | None
    contacts: tuple[Contact, ...]
    authorized: bool


def is_register(raw: bytes) -> bool:
    """True when these bytes are a REGISTER request (the method is case-sensitive)."""
    return raw.lstrip(b"\r\n")[:9] == b"REGISTER "


def read_register(raw: bytes) -> Register:
    """Read one REGISTER request. Raises MalformedMessage with the rule it breaks."""
    message = read_message(raw)
    _check_start_line(message.start_line)
    cseq = _cseq(message)
    expires = _delta_seconds(message.first("expires"))
    return Register(
        aor=aor_of(_required_address(message, "to").uri),
        call_id=_required(message, "call-id"),
        cseq=cseq,
        expires=expires,
        user_agent=message.first("user-agent"),
        contacts=tuple(_contacts(message, expires)),
        authorized=any(
            message.first(name) is not None
            for name in ("authorization", "proxy-authorization")
        ),
    )


def read_contact(value: str, expires: int | None = None) -> Contact:
    """Read one Contact value by itself, as a registrar lists it.

    `expires`: the seconds where the value has none of its own. Raises MalformedMessage.
    """
    return _contact(read_address(value), expires)


def _check_start_line(line: str) -> None:
    method, _, rest = line.partition(" ")
    uri, _, version = rest.rpartition(" ")
    if method != "REGISTER":
        raise MalformedMessage("method", f"not a REGISTER: {line[:60]!r}")
    if version.upper() != "SIP/2.0" or not uri.strip():
        raise MalformedMessage("start_line", f"not SIP/2.0: {line[:60]!r}")


def _required(message: Message, name: str) -> str:
    value = message.first(name)
    if not value:
        raise MalformedMessage(f"{name.replace('-', '_')}_missing", f"no {name} header")
    return value


def _required_address(message: Message, name: str) -> Address:
    return read_address(_required(message, name))


def _cseq(message: Message) -> int:
    found = CSEQ.fullmatch(_required(message, "cseq"))
    if found is None:
        raise MalformedMessage("cseq", f"CSeq reads {message.first('cseq')!r}")
    if found[2] != "REGISTER":
        raise MalformedMessage("cseq_method", f"CSeq names {found[2][:40]!r}")
    return int(found[1][:4000])


def _delta_seconds(value: str | None) -> int | None:
    """Seconds, at most 2**32 - 1; None for nothing or for what is no number."""
    found = DIGITS.fullmatch(value) if value is not None else None
    return min(int(found[1].lstrip("0")[:20] or 0), LONGEST_EXPIRES) if found else None


def _contacts(message: Message, expires: int | None):
    for value in message.all("contact"):
        for piece in split_outside_quotes(value, ","):
            if piece.strip():
                yield _contact(read_address(piece), expires)


def _contact(address: Address, header_expires: int | None) -> Contact:
    push = read_push_params(uri_params(address.uri))
    expires = _delta_seconds(address.param("expires"))
    stray = [name for name, _ in address.params if name in RFC_8599 + LEGACY]
    if stray:
        push.fault(
            "outside_uri",
            f"{', '.join(stray)} outside <>: a header parameter, which Flexisip ignores",
        )
    return Contact(
        uri=address.uri,
        instance_id=_instance_id(address),
        expires=header_expires if expires is None else expires,
        q=address.param("q"),
        pn_provider=push.pn_provider,
        pn_param=push.pn_param,
        pn_prid=push.pn_prid,
        team_id=push.team_id,
        bundle_id=push.bundle_id,
        environment=push.environment,
        tokens=push.tokens,
        problems=tuple(push.problems),
    )


def _instance_id(address: Address) -> str | None:
    """`+sip.instance` without quotes, backslashes and brackets (RFC 5626 §4.1)."""
    value = address.param("+sip.instance")
    return (value or "").strip(' \t"\\<>') or None
