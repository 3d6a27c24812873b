"""A house that is kept stays at the hour it was made: the server's clock is set back to it.

Otherwise nobody in it was seen in the last hour, nothing was pushed, and pages would be asked
for what no house that works has. uvicorn's `--factory benchmarks.house_hour:served` starts it.
"""

from __future__ import annotations

import os
from datetime import datetime

import psycopg
from django.utils import timezone


def hour_of(url: str) -> datetime:
    """When the house was made: up to then its feeds are read."""
    with psycopg.connect(url) as session:
        asked = "SELECT max(seen_until) FROM registrations_feed"
        return session.execute(asked).fetchone()[0]


def set_back() -> None:
    """From now on `timezone.now` goes on from the hour of the house."""
    now = timezone.now
    ago = now() - hour_of(os.environ["DATABASE_URL"])
    timezone.now = lambda: now() - ago


def served():
    """The application of the web process, by that clock."""
    set_back()
    # It reads the settings of Django when it is imported.
    from pushdash.asgi import application

    return application
