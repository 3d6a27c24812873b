"""Flexisip's registrar (SIP.md §3, §7): a value of its Redis hash, and REGISTRAR_GET.

Flexisip writes its own parameters into the URI it stores; they are taken out again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qsl, unquote

from registrations.bindings.binding import (
    Binding,
    BindingError,
    Listing,
    NotABinding,
    bare_instance,
    checked,
    contact_value,
    moment,
    number,
)
from registrations.sip import read_contact

KEY_PREFIX = "fs:"
#: Parameters of Flexisip's own in the stored URI.
OWN = frozenset({"callid", "expires", "cseq", "updatedat"})
OWN |= {"alias", "usedasroute", "fs-conn-id"}
#: The unique id that is the phone's instance: quotes and brackets are part of it.
INSTANCE_FIELD = re.compile(r'"?<[^<>]+>"?')
STORED = re.compile(r"\s*(?:\"(?:[^\"\\]|\\.)*\"\s*)?<([^<>]*)>(.*)", re.S)


def aor_of_key(key: str, listing: Listing) -> str:
    """The AOR of the key `fs:alice@example.org`. Raises BindingError.

    With use-global-domain every key is `fs:alice@merged`; the listing's domain stands in.
    """
    name = key.removeprefix(KEY_PREFIX)
    user, at, host = name.rpartition("@")
    if at and host == "merged" and listing.domain:
        return listing.aor_named(f"{user}@{listing.domain}")
    return listing.aor_named(name if at else f"sip:{name}")


def read_value(
    key: str, field: str, value: str, listing: Listing
) -> Binding | NotABinding:
    """One field of the hash at `key`, or why it is no binding."""
    try:
        return _stored(aor_of_key(key, listing), field, value, listing)
    except BindingError as error:
        return error.told_of(f"{key} {field} {value}")


def _stored(aor: str, field: str, value: str, listing: Listing) -> Binding:
    found = STORED.fullmatch(value)
    if found is None:
        raise BindingError("contact_form", "the value is no Contact in <>")
    uri, own, query = _without_own(found[1])
    updated_at = moment(own.get("updatedat"), "updatedAt")
    expires = number(own.get("expires"), "expires")
    if updated_at is None or expires is None:
        raise BindingError("expiry_missing", "no updatedAt or no expires in the value")
    contact = checked(f"<{uri}>{found[2].strip()}")
    instance = bare_instance(read_contact(contact).instance_id)
    if instance is None and INSTANCE_FIELD.fullmatch(field.strip()):
        instance = bare_instance(field)
        contact = contact_value(uri, instance)
    return Binding(
        aor=aor,
        contact=contact,
        instance=instance,
        expires_at=_later(updated_at, expires),
        updated_at=updated_at,
        taken_at=listing.taken_at,
        user_agent=query.get("user-agent"),
        call_id=unquote(own["callid"]) if own.get("callid") else None,
        cseq=number(own.get("cseq"), "cseq"),
        path=query.get("path"),
    )


def _without_own(stored: str) -> tuple[str, dict[str, str], dict[str, str]]:
    """The URI the phone sent, Flexisip's parameters, and its URL-encoded headers."""
    user, at, rest = stored.rpartition("@")
    rest, _, query = rest.partition("?")
    pieces = rest.split(";")
    own, kept = {}, [pieces[0]]
    for piece in pieces[1:]:
        name, _, value = piece.partition("=")
        if name.lower() in OWN:
            own[name.lower()] = value
        else:
            kept.append(piece)
    headers = {name.lower(): text for name, text in parse_qsl(query)}
    return f"{user}{at}{';'.join(kept)}", own, headers


def _later(start, seconds: int):
    try:
        return start + timedelta(seconds=seconds)
    except OverflowError as error:
        raise BindingError("expires", f"expires reads {seconds}") from error


def read_registrar_get(text: str, listing: Listing) -> Iterator[Binding | NotABinding]:
    """What `flexisip_cli.py REGISTRAR_GET <aor>` prints, one answer behind the other."""
    for answer in _answers(text):
        if isinstance(answer, NotABinding):
            yield answer
            continue
        aor = answer.get("aor") or listing.aor
        contacts = answer.get("contacts")
        if not isinstance(contacts, list):
            wrong = BindingError("contacts_missing", "no list of contacts")
            yield wrong.told_of(answer)
            continue
        for entry in contacts:
            yield _listed(aor, entry, listing)


def _answers(text: str) -> Iterator[dict | NotABinding]:
    decoder, at = json.JSONDecoder(), 0
    while (start := text.find("{", at)) >= 0:
        yield from _errors_in(text[at:start])
        try:
            answer, at = decoder.raw_decode(text, start)
        except (json.JSONDecodeError, RecursionError) as error:
            yield BindingError("json", f"no JSON: {error}").told_of(text[start:])
            return
        yield answer
    yield from _errors_in(text[at:])


def _errors_in(text: str) -> Iterator[NotABinding]:
    for line in text.splitlines():
        if line.strip().lower().startswith("error"):
            yield BindingError("server_error", line.strip()).told_of(line)


def _listed(aor: str | None, entry: object, listing: Listing) -> Binding | NotABinding:
    try:
        if not isinstance(entry, dict):
            raise BindingError("entry_form", "the entry is no JSON object")
        return _of_entry(aor, entry, listing)
    except BindingError as error:
        return error.told_of(entry)


def _of_entry(aor: str | None, entry: dict, listing: Listing) -> Binding:
    stored = str(entry.get("contact") or "").strip()
    stored = stored.removeprefix("<").removesuffix(">")
    uri, own, query = _without_own(stored)
    unique_id = str(entry.get("unique-id") or "")
    is_instance = INSTANCE_FIELD.fullmatch(unique_id.strip())
    instance = bare_instance(unique_id) if is_instance else None
    contact = checked(contact_value(uri, instance))
    path = entry.get("path") or query.get("path")
    return Binding(
        aor=listing.aor_named(aor or _user_of(uri)),
        contact=contact,
        instance=instance,
        expires_at=moment(entry.get("expires-at"), "expires-at"),
        updated_at=moment(entry.get("update-time"), "update-time"),
        taken_at=listing.taken_at,
        user_agent=entry.get("user-agent") or None,
        call_id=entry.get("call-id") or (unquote(own.get("callid", "")) or None),
        cseq=number(entry.get("cseq"), "cseq"),
        path=", ".join(map(str, path)) if isinstance(path, list) else path or None,
    )


def _user_of(uri: str) -> str:
    return uri.partition(":")[2].rpartition("@")[0]
