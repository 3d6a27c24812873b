"""A received REGISTER as values (RFC 3261 §10.2, RFC 8599 §4.1).

Phones send the same Contact again and again: what was read of one header value is
remembered, and its `Contact`s are shared by every Register that carries it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from .address import (
    Address,
    aor_of,
    read_address,
    split_outside_quotes,
    unquoted,
)
from .errors import MalformedMessage
from .message import LF, Message, cleaned, decoded, made, read_message
from .push_params import PushParams, read_push_params
from .push_values import LEGACY, RFC_8599, Problem

#: RFC 3261 §20.19: delta-seconds go up to 2**32 - 1.
LONGEST_EXPIRES = 2**32 - 1
DIGITS = re.compile(r"\s*([0-9]+)\s*(?:;.*)?")
PUSH_NAMES = frozenset(RFC_8599 + LEGACY)
#: An AOR that is what it will be read as, as most phones write it.
PLAIN_AOR = re.compile(
    rb"\s*(?:<(sips?:[\w.+-]+@[a-z0-9.-]+)>|(sips?:[\w.+-]+@[a-z0-9.-]+))\s*"
)
#: A Contact with no parameters of its own but those that nearly every phone writes. (What is
#: anything but `>` is found soonest; `_plain_contact` looks at it.)
PLAIN_CONTACT = re.compile(
    rb"\s*<([^>]+)>"
    rb'(?:;\+sip\.instance="<([\w:.-]+)>"|)(?:;reg-id=\d+|)(?:;expires=([0-9]{1,9})|)\s*'
)
CSEQ = re.compile(rb"\s*([0-9]+)[ \t]+(\S+)\s*")
#: Header values remembered, of each kind: about 2 kB a Contact.
REMEMBERED = 8192


@dataclass(slots=True)
class Contact:
    """One Contact of a REGISTER; `expires` in seconds as asked for, None where nothing says.

    What it says of push is read when it is first asked for: of most that come in it is known
    already. `stray`: push parameters outside <>.
    """

    uri: str
    instance_id: str | None
    expires: int | None
    q: str | None
    stray: tuple[str, ...] = ()
    known: PushParams | None = field(default=None, compare=False, repr=False)

    @property
    def push(self) -> PushParams:
        """Its push parameters, and what is wrong with them."""
        if self.known is None:
            self.known = read_push_params(self.uri)
            if self.stray:
                self.known.fault(
                    "outside_uri",
                    f"{', '.join(self.stray)} outside <>: a header parameter, which "
                    "Flexisip ignores",
                )
        return self.known

    @property
    def bundle_id(self) -> str | None:
        return self.push.bundle_id

    @property
    def environment(self) -> str | None:
        return self.push.environment

    @property
    def tokens(self) -> dict[str, str]:
        return self.push.tokens

    @property
    def problems(self) -> list[Problem]:
        return self.push.problems


class Register(NamedTuple):
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
    return raw.lstrip(b"\r\n").startswith(b"REGISTER ")


def read_register(raw: bytes, message: Message | None = None) -> Register:
    """Read one REGISTER request. Raises MalformedMessage with the rule it breaks.

    `message`: what `read_message` said of it, where that is known already.
    """
    start_line, to, call_id, cseq, expires, user_agent, credentials, _, contacts = (
        message or read_message(raw)
    )
    _check_start_line(start_line)
    if cseq is None or to is None or call_id is None:
        raise _missing("cseq" if cseq is None else "to" if to is None else "call-id")
    number, aor = _cseq(cseq), _aor(to)
    values = (
        aor,
        _call_id(call_id),
        number,
        None if expires is None else _seconds(expires),
        None if user_agent is None else _text(user_agent),
        _contacts(contacts, expires),
        credentials is not None,
    )
    return made(Register, values)


def read_contact(value: str, expires: int | None = None) -> Contact:
    """Read one Contact value by itself, as a registrar lists it.

    `expires`: the seconds where the value has none of its own. Raises MalformedMessage.
    """
    return _contact(read_address(value), expires)


@lru_cache(1024)
def _check_start_line(line: bytes) -> None:
    method, _, rest = line.rstrip().partition(b" ")
    uri, _, version = rest.rpartition(b" ")
    shown = decoded(line[:60])
    if not line.strip():
        raise MalformedMessage("start_line", "the message is empty")
    if method != b"REGISTER":
        raise MalformedMessage("method", f"not a REGISTER: {shown!r}")
    if version.upper() != b"SIP/2.0" or not uri.strip():
        raise MalformedMessage("start_line", f"not SIP/2.0: {shown!r}")


def _missing(name: str) -> MalformedMessage:
    return MalformedMessage(f"{name.replace('-', '_')}_missing", f"no {name} header")


@lru_cache(REMEMBERED)
def _cseq(value: bytes) -> int:
    found = CSEQ.fullmatch(value) or CSEQ.fullmatch(cleaned(value))
    if found is None:
        if not cleaned(value):
            raise _missing("cseq")
        raise MalformedMessage("cseq", f"CSeq reads {decoded(cleaned(value))!r}")
    if found[2] != b"REGISTER":
        raise MalformedMessage("cseq_method", f"CSeq names {decoded(found[2][:40])!r}")
    return int(found[1][:4000])


def _call_id(value: bytes) -> str:
    text = cleaned(value).decode("utf-8", "backslashreplace")
    if not text:
        raise _missing("call-id")
    return text


@lru_cache(REMEMBERED)
def _aor(value: bytes) -> str:
    plain = PLAIN_AOR.fullmatch(value)
    if plain is not None:
        return plain[plain.lastindex].decode()
    text = decoded(cleaned(value))
    if not text:
        raise _missing("to")
    return aor_of(read_address(text).uri)


@lru_cache(REMEMBERED)
def _text(value: bytes) -> str:
    return decoded(cleaned(value))


def _delta_seconds(value: str | None) -> int | None:
    """Seconds, at most 2**32 - 1; None for nothing or for what is no number."""
    if value is None:
        return None
    found = DIGITS.fullmatch(value)
    return min(int(found[1].lstrip("0")[:20] or 0), LONGEST_EXPIRES) if found else None


@lru_cache(256)
def _seconds(value: bytes) -> int | None:
    return _delta_seconds(decoded(cleaned(value)))


@lru_cache(REMEMBERED)
def _contacts(values: tuple[bytes, ...], expires: bytes | None) -> tuple[Contact, ...]:
    header_expires = None if expires is None else _seconds(expires)
    contacts: list[Contact] = []
    for written in values:
        plain = PLAIN_CONTACT.fullmatch(written)
        contact = None if plain is None else _plain_contact(plain, header_expires)
        if contact is not None:
            contacts.append(contact)
        else:
            contacts += _each_contact(written, header_expires)
    return tuple(contacts)


def _each_contact(written: bytes, expires: int | None) -> Iterator[Contact]:
    value = decoded(cleaned(written))
    pieces = split_outside_quotes(value, ",") if "," in value else (value,)
    for piece in pieces:
        if piece and not piece.isspace():
            yield _contact(read_address(piece), expires)


def _plain_contact(
    found: re.Match[bytes], header_expires: int | None
) -> Contact | None:
    """None for a URI that must be decoded, unfolded or refused."""
    uri, instance_id, expires = found.groups()
    if not uri.isascii() or LF in uri:
        return None
    shown = uri.decode().strip()
    if not shown:
        return None
    return Contact(
        shown,
        None if instance_id is None else instance_id.decode(),
        header_expires if expires is None else int(expires),
        None,
    )


def _contact(address: Address, header_expires: int | None) -> Contact:
    uri, params = address
    expires, stray = header_expires, ()
    if "expires" in params:
        own = _delta_seconds(address.param("expires"))
        expires = header_expires if own is None else own
    if not PUSH_NAMES.isdisjoint(params):
        stray = tuple(name for name in params if name in PUSH_NAMES)
    q = address.param("q") if "q" in params else None
    return Contact(uri, _instance_id(address), expires, q, stray)


def _instance_id(address: Address) -> str | None:
    """`+sip.instance` without quotes, backslashes and brackets (RFC 5626 §4.1)."""
    value = address.params.get("+sip.instance")
    if value is not None and "\\" in value:
        value = unquoted(value)
    return (value or "").strip(' \t"\\<>') or None
