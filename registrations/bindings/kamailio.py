"""Kamailio's usrloc (`kamcmd ul.dump`, `kamctl ul show`), as indented text and as JSON.

OpenSIPS' `mi ul_dump` has the same shape in JSON, with other names for some fields.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta

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

LINE = re.compile(r"\s*([\w .-]+?) *:{1,2}(?: +(.*?))?\s*$")
#: Kamailio prints these words for what is empty.
NOTHING = frozenset({"", "[not set]", "<null>"})
DEEPEST = 32


def read_usrloc(text: str, listing: Listing) -> Iterator[Binding | NotABinding]:
    """Each contact of the listing."""
    entries = _of_json(text) if text.lstrip()[:1] in "{[" else _of_text(text)
    if _is_braced(text):
        entries = _of_text(text)
    for aor, entry in entries:
        if isinstance(entry, NotABinding):
            yield entry
            continue
        try:
            yield _binding(aor, entry, listing)
        except BindingError as error:
            yield error.told_of(entry)


def _is_braced(text: str) -> bool:
    """The text form opens with a lone `{` and names without quotes."""
    return re.match(r"\s*\{\s*\n\s*[A-Za-z]", text) is not None


def _of_text(text: str) -> Iterator[tuple[str, dict]]:
    aor, entry = "", None
    for line in text.splitlines():
        found = LINE.match(line)
        if line.strip() == "}" or (found and found[1].lower() == "aor"):
            if entry:
                yield aor, entry
            entry = None
        if found is None:
            continue
        name, value = _name(found[1]), found[2] or ""
        if name == "aor":
            aor = value
        elif name == "contact":
            if entry:
                yield aor, entry
            # Older ones print `Contact:: sip:… Q=…` instead of a block.
            entry = {} if value == "{" else {"address": value.partition(" ")[0]}
        elif entry is not None and value != "{":
            entry[name] = value
    if entry:
        yield aor, entry


def _of_json(text: str) -> Iterator[tuple[str, dict | NotABinding]]:
    try:
        yield from _walk(json.loads(text), "", 0)
    except (json.JSONDecodeError, RecursionError) as error:
        yield "", BindingError("json", f"no JSON: {error}").told_of(text)


def _walk(node: object, aor: str, depth: int) -> Iterator[tuple[str, dict]]:
    if depth > DEEPEST:
        return
    if isinstance(node, list):
        for item in node:
            yield from _walk(item, aor, depth + 1)
    elif isinstance(node, dict):
        fields = {_name(key): value for key, value in node.items()}
        aor = str(fields.get("aor") or aor)
        if "address" in fields or isinstance(fields.get("contact"), str):
            yield aor, {"address": fields.get("contact"), **fields}
            return
        for value in fields.values():
            yield from _walk(value, aor, depth + 1)


def _name(name: str) -> str:
    return name.strip().lower().replace("_", "-")


def _binding(aor: str, entry: dict, listing: Listing) -> Binding:
    instance = bare_instance(_text(entry, "instance", "sip-instance"))
    contact = contact_value(_text(entry, "address") or "", instance)
    return Binding(
        aor=listing.aor_named(aor),
        contact=checked(contact),
        instance=instance,
        expires_at=_expires_at(entry, listing),
        updated_at=moment(_text(entry, "last-modified"), "Last-Modified"),
        taken_at=listing.taken_at,
        user_agent=_text(entry, "user-agent"),
        call_id=_text(entry, "call-id", "callid"),
        cseq=number(_text(entry, "cseq"), "CSeq"),
        path=_text(entry, "path"),
    )


def _text(entry: dict, *names: str) -> str | None:
    for name in names:
        value = entry.get(name)
        if value is not None and str(value).strip() not in NOTHING:
            return str(value).strip()
    return None


def _expires_at(entry: dict, listing: Listing):
    """`Expires` counts down from the moment of the listing."""
    text = _text(entry, "expires")
    if text is None:
        raise BindingError("expiry_missing", "the entry says no Expires")
    if text == "permanent":
        return None
    if text in {"expired", "deleted"}:
        return listing.taken_at
    seconds = number(text, "Expires")
    try:
        return listing.taken_at + timedelta(seconds=seconds)
    except OverflowError as error:
        raise BindingError("Expires", f"Expires reads {text[:40]!r}") from error
