"""Which tokens of a kind a device held one after the other: when, why, and which characters
changed. Pure. Tokens are masked: of those that nobody sees only the places are told.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby, pairwise, zip_longest

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications import stored_words
from notifications.apns import REASONS
from notifications.device_history import History, Turn
from notifications.models import TokenHealthChange
from notifications.token_health import STATE_OF_REASON
from registrations.models import Holding, PushToken, masked

#: As many changes are told.
MOST = 10
HEAD, TAIL = 6, 4
NEVER = datetime.min.replace(tzinfo=UTC)
KINDS = {"voip": _("VoIP token"), "remote": _("Remote token")}
#: Kind of the turning point that a change is part of → why it came.
CAUSES = {
    "token_changed": _("The same install brought another token (a restore)"),
    "token_lost": _("It was missing from every REGISTER for 60 s; another came later"),
    "logged_out": _("The device logged out; another came when it was back"),
}
LOST = {
    "token_lost": _("It was missing from every REGISTER for 60 s"),
    "logged_out": _("De-registered, or no token is left"),
}


@dataclass(frozen=True, slots=True)
class Piece:
    """Characters that stand together; `is_changed`: they differ from the other token's."""

    text: str
    is_changed: bool


@dataclass(frozen=True, slots=True)
class Change:
    """One token, then another; of the newest `after` may be empty: it is gone."""

    at: datetime | None
    kind: str
    before: list[Piece]
    after: list[Piece]
    difference: str
    why: str


@dataclass(frozen=True, slots=True)
class HealthTold:
    """When APNs' word of a token changed, to what, and why in words."""

    at: datetime
    state: str
    said: str


def health_told(change: TokenHealthChange) -> HealthTold:
    """A change of a token's health for a person."""
    return HealthTold(change.at, change.get_after_display(), health_said(change.reason))


def health_said(reason: str) -> str:
    """Why the health of a token changed: Apple's word for it, or ours in words."""
    if reason not in STATE_OF_REASON:
        return stored_words.told(reason)
    said = gettext("APNs said %(reason)s") % {"reason": reason}
    return f"{said}. {gettext(REASONS[reason].meaning)}" if reason in REASONS else said


def token_history(history: History) -> list[Change]:
    """The changes of both kinds, the newest first."""
    found = []
    for kind in KINDS:
        held = [row for row in history.holdings if row.token.kind == kind]
        found += _changes(sorted(held, key=_order), history.turns)
    known = [change for change in found if change.at is not None]
    known.sort(key=lambda change: change.at, reverse=True)
    return [*known, *(change for change in found if change.at is None)][:MOST]


def _order(row: Holding) -> tuple:
    """As they ended; the one that is held now is the last."""
    return row.current, row.until or NEVER, row.pk


def _changes(held: list[Holding], turns: Iterable[Turn]) -> list[Change]:
    causes = _causes(turns)
    found = []
    for old, new in pairwise(held):
        why = CAUSES.get(_cause(old, causes), "")
        found.append(_change(new.since, old.token, new.token, str(why)))
    if held and not held[-1].current:
        why = LOST.get(_cause(held[-1], causes), "")
        found.append(_change(held[-1].until, held[-1].token, None, str(why)))
    return found


def _causes(turns: Iterable[Turn]) -> dict[tuple, str]:
    """When and which token → the turning point that took it away."""
    found = {}
    for turn in turns:
        if turn.kind in CAUSES:
            for token in json.loads(turn.why)["before"].values():
                if isinstance(token, str):
                    found[turn.moment, token.lower()] = turn.kind
    return found


def _cause(row: Holding, causes: dict[tuple, str]) -> str:
    return causes.get((row.until, row.token.token.lower()), "")


def _change(
    at: datetime | None, old: PushToken, new: PushToken | None, why: str
) -> Change:
    before, after = old.token, new.token if new else ""
    return Change(
        at=at,
        kind=str(KINDS[old.kind]),
        before=pieces(before, after) if new else _plain(before),
        after=pieces(after, before) if new else [],
        difference=difference(before, after) if new else "",
        why=why,
    )


def difference(before: str, after: str) -> str:
    """Which characters of a token differ from the one before it, in words."""
    places = [
        place
        for place, (one, other) in enumerate(zip_longest(before, after), 1)
        if one != other
    ]
    if not places:
        return gettext("The same token again")
    told = gettext("1 of %(all)s characters differs, at %(first)s")
    if len(places) > 1:
        told = gettext(
            "%(number)s of %(all)s characters differ, from %(first)s to %(last)s"
        )
    words = told % {
        "number": len(places),
        "all": max(len(before), len(after)),
        "first": places[0],
        "last": places[-1],
    }
    if len(before) == len(after):
        return words
    lengths = gettext("%(before)s characters became %(after)s")
    return f"{words}; {lengths % {'before': len(before), 'after': len(after)}}"


def pieces(token: str, other: str) -> list[Piece]:
    """A token as it is shown, its characters that differ from the other's apart."""
    if len(token) <= HEAD + TAIL or not other:
        return _plain(token)
    head = zip_longest(token[:HEAD], other[:HEAD])
    tail = zip_longest(token[-TAIL:], other[-TAIL:].rjust(TAIL))
    marks = [(one or "", one != two) for one, two in head]
    marks += [("…", False), *((one or "", one != two) for one, two in tail)]
    return [
        Piece("".join(character for character, _ in some), is_changed)
        for is_changed, some in groupby(marks, lambda mark: mark[1])
    ]


def _plain(token: str) -> list[Piece]:
    return [Piece(masked(token), False)]
