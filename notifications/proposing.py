"""Values worth proposing behind `app:` and `reason:` while a query for pushes is typed."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext

from notifications.apns import REASONS
from notifications.models import App
from notifications.push_terms import kinds
from notifications.terms import Text, proposed


def proposed_for_pushes(
    apps: Iterable[App], without: Iterable[str] = ()
) -> list[tuple[str, str]]:
    """Terms of the query, `without` these filters: the apps we know, Apple's reasons."""
    known = kinds()
    known["app"] = Text({app.bundle_id: app.name for app in apps})
    known["reason"] = Text(
        {name: gettext(one.meaning) for name, one in REASONS.items()}
    )
    return proposed({name: known[name] for name in known if name not in without})
