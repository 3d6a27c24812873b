"""Rows of the live page. It is read four times a second and few of its rows are new: those
that say what they said before are not rendered again.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from django import template
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from notifications.board import BoardRow
from notifications.fleet import FeedRow

register = template.Library()


class Shown(NamedTuple):
    """What a row shows of its device."""

    pk: int
    aor: str
    user_agent: str


class Counted(NamedTuple):
    """And of its ledger."""

    state: str
    strikes: int
    threshold: int


@register.simple_tag
def feed_item(row: FeedRow) -> SafeString:
    """A row of the feed."""
    push = row.push
    said = {
        "push": push.pk,
        "at": row.at,
        "tone": row.tone,
        "words": str(row.words),
        "kinds": row.kinds,
        "aor": push.device.aor,
    }
    return _rendered("notifications/_feed_item.html", *_reader(), *said.items())


@register.simple_tag
def board_item(row: BoardRow) -> SafeString:
    """A row of the risk board."""
    device, ledger = row.device, row.ledger
    said = {
        "device": Shown(device.pk, device.aor, device.user_agent),
        "ledger": Counted(ledger.state, ledger.strikes, ledger.threshold),
        "state": str(ledger.get_state_display()),
        "tone": row.tone,
        "ages": tuple(row.ages),
        "lead": row.lead,
        "evidence": row.evidence,
        "protection": row.protection,
    }
    return _rendered("notifications/_board_item.html", *_reader(), *said.items())


def _reader() -> tuple[str, str]:
    return get_language(), timezone.get_current_timezone_name()


@lru_cache(maxsize=1000)
def _rendered(
    name: str, language: str, zone: str, *said: tuple[str, object]
) -> SafeString:
    return render_to_string(name, dict(said))
