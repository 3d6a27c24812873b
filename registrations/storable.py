"""A REGISTER's values made fit to store and to show: nothing a terminal or a page would obey
(control, bidi and invisible characters), nothing too long for an index.

One odd message must never stop the reading of a feed.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from registrations.sip import Contact, Problem, PushParams, Register

#: An index row holds 2,704 bytes (a third of a page), and a character up to 4 of them.
LONGEST_INDEXED = 500
LONGEST_TOKEN = 200
#: Printable, but `%`: it may stand for anything.
PLAIN = bytes(set(range(0x20, 0x7F)) - {ord("%")})


def storable(register: Register) -> Register:
    """The same REGISTER; hostile characters become escapes, overlong names end in a digest."""
    if _is_plain(register) or _is_storable(register):
        return register
    return register._replace(
        aor=short(clean(register.aor)),
        call_id=short(clean(register.call_id)),
        user_agent=_cleaned(register.user_agent),
        contacts=tuple(_contact(contact) for contact in register.contacts),
    )


def _is_plain(register: Register) -> bool:
    """True where what it was read of has nothing hostile and no escape for it."""
    aor, call_id, _, _, user_agent, contacts, _ = register
    texts = [aor, call_id, user_agent or ""]
    for contact in contacts:
        texts += contact.uri, contact.instance_id or ""
    whole = "".join(texts)
    return (
        whole.isascii()
        and not whole.encode().translate(None, PLAIN)
        and len(aor) + len(call_id) <= LONGEST_INDEXED
        and all(map(_is_short, contacts))
    )


def _is_short(contact: Contact) -> bool:
    """True where no value can be too long: a bundle id or a token is one parameter."""
    if len(contact.instance_id or "") > LONGEST_INDEXED:
        return False
    uri, at = contact.uri, 0
    while len(uri) - at > LONGEST_TOKEN:
        end = uri.rfind(";", at, at + LONGEST_TOKEN + 1)
        if end < 0:
            return False
        at = end + 1
    return True


def _is_storable(register: Register) -> bool:
    """True for nearly all of them: nothing in it needs a change."""
    names = [register.aor, register.call_id]
    texts = [register.user_agent or ""]
    tokens = []
    for contact in register.contacts:
        push = contact.push
        names.append(contact.instance_id or "")
        tokens += [push.bundle_id or "", *push.tokens.values()]
        texts += [
            contact.uri,
            push.pn_provider or "",
            push.pn_param or "",
            push.pn_prid or "",
            push.team_id or "",
        ]
        texts += [problem.detail for problem in push.problems]
    if max(map(len, names)) > LONGEST_INDEXED:
        return False
    if tokens and max(map(len, tokens)) > LONGEST_TOKEN:
        return False
    whole = "".join([*names, *texts, *tokens])
    return whole.isascii() and whole.isprintable()


def clean(text: str) -> str:
    """The text with every character that is not printable as its escape: `\\x1b`, `\\u202e`.

    Controls, NUL and halves of surrogate pairs (PostgreSQL stores neither), and what turns
    or hides text: bidi controls, joiners, tags (Unicode's Other and Separator, but blanks).
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else _escape(one) for one in text)


def clean_lines(text: str) -> str:
    """The same for text of several lines, which it keeps; CR LF becomes LF."""
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(clean(line) for line in lines)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()


def short(text: str, longest: int = LONGEST_INDEXED) -> str:
    """The text, or its beginning and a digest of the whole: still unique."""
    if len(text) <= longest:
        return text
    return f"{text[:longest]}…{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def small(cseq: int) -> int:
    """A CSeq fits in 31 bits (RFC 3261 §8.1.1.5); more must not break the row."""
    return min(cseq, 2**62)


def _contact(contact: Contact) -> Contact:
    instance_id = contact.instance_id
    return replace(
        contact,
        uri=clean(contact.uri),
        instance_id=instance_id and short(clean(instance_id)),
        known=_push(contact.push),
    )


def _push(push: PushParams) -> PushParams:
    bundle_id = push.bundle_id
    return replace(
        push,
        pn_provider=_cleaned(push.pn_provider),
        pn_param=_cleaned(push.pn_param),
        pn_prid=_cleaned(push.pn_prid),
        team_id=_cleaned(push.team_id),
        bundle_id=bundle_id and short(clean(bundle_id), LONGEST_TOKEN),
        tokens={
            kind: short(clean(token), LONGEST_TOKEN)
            for kind, token in push.tokens.items()
        },
        problems=[
            Problem(problem.rule, clean(problem.detail)) for problem in push.problems
        ],
    )


def _cleaned(text: str | None) -> str | None:
    return text and clean(text)
