"""Addresses: name-addr and addr-spec, URI and parameters (RFC 3261 §20.10, §25.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from operator import methodcaller
from typing import NamedTuple

from .errors import MalformedMessage
from .message import made

DEFAULT_PORTS = {"sip": "5060", "sips": "5061"}
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.S)
#: What stands between separators: anything else, a whole quoted-string, a whole `<…>` (a
#: quote inside is an ordinary, if illegal, character of the URI). What is left open goes on
#: to the end.
PIECE = {
    separator: re.compile(
        rf'(?:[^{separator}"<]++|"(?:[^"\\]|\\.?)*+"?|<[^>]*+>?)++', re.S
    )
    for separator in ",;"
}


PARTITION = methodcaller("partition", "=")


class Address(NamedTuple):
    """A URI as received, without `<>`, and the header parameters behind it.

    `params`: name in lower case → the first value of this name as received.
    """

    uri: str
    params: dict[str, str]

    def param(self, name: str) -> str | None:
        """A header parameter, unquoted; None if absent."""
        value = self.params.get(name)
        return None if value is None else unquoted(value)


def split_outside_quotes(text: str, separator: str) -> list[str]:
    """Pieces of `text` between separators that stand outside quotes and `<>`; none empty."""
    if '"' in text or "<" in text:
        return PIECE[separator].findall(text)
    return [piece for piece in text.split(separator) if piece]


def unquoted(value: str) -> str:
    """A quoted-string without its quotes and backslashes (RFC 3261 §25.1)."""
    value = value.strip()
    if len(value) >= 2 and value[0] == value[-1] == '"':
        value = value[1:-1]
        if "\\" in value:
            value = "".join(_unescaped(value))
    return value


def _unescaped(value: str) -> Iterator[str]:
    chars = iter(value)
    for char in chars:
        yield next(chars, "") if char == "\\" else char


def read_address(text: str) -> Address:
    """Read one name-addr or addr-spec with its header parameters.

    Raises MalformedMessage: `address_unclosed` for a `<` without `>`, `address_quote` for
    an unbalanced quote, `address_bare_headers` for a bare URI with `?` (RFC 3261 §20),
    `address_empty` for no URI at all.
    """
    text = text.strip()
    opening = 0 if text.startswith("<") else _opening_angle(text)
    if opening is None:
        return _bare(text)
    closing = text.find(">", opening)
    if closing < 0:
        raise MalformedMessage("address_unclosed", f"no '>' in {text[:80]!r}")
    uri = text[opening + 1 : closing].strip()
    if not uri:
        raise MalformedMessage("address_empty", f"no URI in {text[:80]!r}")
    behind = text[closing + 1 :]
    if behind and _has_open_quote(behind):
        raise MalformedMessage("address_quote", f"open quote in {behind[:80]!r}")
    return made(Address, (uri, _params(behind)))


def _has_open_quote(text: str) -> bool:
    if "\\" in text:
        return '"' in QUOTED.sub("", text)
    return text.count('"') % 2 == 1


def _opening_angle(text: str) -> int | None:
    """Where the `<` of a name-addr stands, outside quotes: a bare URI can have
    `;+sip.instance="<urn:uuid:…>"` behind it.
    """
    found, quote = text.find("<"), text.find('"')
    if quote >= 0 and (found < 0 or quote < found):
        bare = QUOTED.sub(lambda quoted: " " * len(quoted[0]), text)
        found, quote = bare.find("<"), bare.find('"')
    if quote >= 0 and (found < 0 or quote < found):
        raise MalformedMessage("address_quote", f"open quote in {text[:80]!r}")
    return None if found < 0 else found


def _bare(text: str) -> Address:
    uri, semicolon, rest = text.partition(";")
    uri = uri.strip()
    if not uri:
        raise MalformedMessage("address_empty", "the address is empty")
    if uri == "*":
        return Address("*", {})
    # RFC 3261 §20: a URI with comma, question mark or semicolon must stand in <>.
    if "?" in text and "?" in QUOTED.sub("", text):
        raise MalformedMessage(
            "address_bare_headers", f"'?' outside <> in {text[:80]!r}"
        )
    if ":" not in uri:
        raise MalformedMessage("address_scheme", f"no scheme in {uri[:80]!r}")
    return Address(uri, _params(semicolon + rest))


def _params(text: str) -> dict[str, str]:
    params: dict[str, str] = {}
    if not text:
        return params
    for piece in split_outside_quotes(text, ";"):
        name, _, value = piece.partition("=")
        params.setdefault(name.strip().lower(), value.strip())
    return params


def aor_of(uri: str) -> str:
    """The URI as an AOR: no parameters, no headers, scheme and host in lower case.

    A default port is dropped, the user part stays as received (RFC 3261 §10.3 step 5).
    """
    scheme, colon, rest = uri.partition(":")
    scheme = scheme.lower()
    if scheme not in DEFAULT_PORTS:
        return f"{scheme}{colon}{rest}"
    user, at, host = rest.rpartition("@")
    for end in ";?":
        host = host.partition(end)[0]
    host = host.strip().lower()
    bare, _, port = host.rpartition(":")
    if bare and not bare.endswith(":") and port == DEFAULT_PORTS[scheme]:
        host = bare if not bare.startswith("[") or bare.endswith("]") else host
    return f"{scheme}:{user}{at}{host}"


def uri_params(uri: str) -> list[tuple[str, str, str]]:
    """The parameters of a `sip:` or `sips:` URI as (name, "=", value), as received; none of
    other schemes.
    """
    scheme, _, rest = uri.partition(":")
    if scheme.lower() not in DEFAULT_PORTS:
        return []
    # The user part may hold ';' (RFC 3261 §19.1.1); an '@' behind the first is a slip.
    user, at, host = rest.partition("@")
    after_user = (host if at else user).partition("?")[0]
    return list(map(PARTITION, after_user.split(";")[1:]))
