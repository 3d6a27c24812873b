"""What the shell of every page shows beside its words: how many devices and settings ask for
somebody. Read once a page, and only when a template asks.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from notifications.expiry import FIRST
from notifications.models import App
from notifications.sources import source_of
from registrations.models import Feed, Holding


@dataclass(frozen=True, slots=True)
class Attention:
    """Devices at risk, by state; feeds in trouble; apps whose key is missing or in trouble."""

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
    held = Holding.objects.filter(
        current=True, token__ledger__state__in=["not_waking", "suspected"]
    )
    groups = held.values("token__ledger__state").order_by()
    counted = groups.annotate(number=Count("device", distinct=True))
    of_state = {row["token__ledger__state"]: row["number"] for row in counted}
    now = timezone.now()
    sources = [source_of(feed, now) for feed in Feed.objects.filter(enabled=True)]
    return Attention(
        not_waking=of_state.get("not_waking", 0),
        suspected=of_state.get("suspected", 0),
        feeds=sum(source.tone in {"warn", "bad"} for source in sources),
        apps=App.objects.filter(
            Q(credentials=None)
            | Q(credentials__paused_until__isnull=False)
            | Q(credentials__jump_at__isnull=False)
            | Q(credentials__expires_at__lte=now + FIRST)
        )
        .distinct()
        .count(),
    )
