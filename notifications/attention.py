"""What the shell of every page shows beside its words: how many devices and settings ask for
somebody. Read once a page, and only when a template asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from notifications.at_once import Question, up_to_limit
from notifications.board import devices_in
from notifications.expiry import FIRST
from notifications.kept_counts import Ask, counts
from notifications.models import App
from notifications.sources import asks_for_somebody
from registrations.models import Feed


@dataclass(frozen=True, slots=True)
class Attention:
    """Devices at risk, by state; feeds in trouble; apps whose key is missing or in trouble.

    Each up to `COUNTED` + 1.
    """

    not_waking: int
    suspected: int
    feeds: int
    apps: int

    @property
    def devices(self) -> int:
        """What stands beside "Devices"."""
        return self.not_waking + self.suspected

    @property
    def settings(self) -> int:
        """What stands beside "Settings"."""
        return self.feeds + self.apps

    @property
    def mark(self) -> str:
        """The icon of the browser's tab: `suspected`, `risk` or `ok`."""
        if self.suspected:
            return "suspected"
        return "risk" if self.not_waking else "ok"


def attention(request: HttpRequest) -> dict:
    """The context processor of the shell."""
    return {"attention": SimpleLazyObject(read)}


def read() -> Attention:
    """The numbers as of now."""
    now = timezone.now()
    return Attention(**counts(asked(now), now))


def asked(now: datetime) -> dict[str, Ask]:
    """What each number says."""
    return {
        "not_waking": partial(devices_in, "not_waking"),
        "suspected": partial(devices_in, "suspected"),
        "feeds": partial(_feeds, now),
        "apps": partial(_apps, now),
    }


def _feeds(now: datetime) -> Question:
    return up_to_limit(Feed.objects.filter(asks_for_somebody(now), enabled=True))


def _apps(now: datetime) -> Question:
    wanting = (
        Q(credentials=None)
        | Q(credentials__paused_until__isnull=False)
        | Q(credentials__jump_at__isnull=False)
        | Q(credentials__expires_at__lte=now + FIRST)
    )
    return up_to_limit(App.objects.filter(wanting).distinct())
