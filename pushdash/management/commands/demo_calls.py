"""`manage.py demo_calls`: the simulated callers of the demo ask for their pushes."""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta
from pathlib import Path

from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection
from django.utils import timezone

from notifications import live
from pushdash import demo
from registrations.models import Feed
from simulator.callers import load_roster, next_calls

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.5
#: The past is read when the newest record read is this close to now.
CLOSE = timedelta(seconds=5)


class Command(BaseCommand):
    help = "Place the pushes the simulated callers ask for (bin/up --demo runs it)."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--folder", type=Path, required=True)

    def handle(self, *, folder: Path, **options) -> None:
        wait_until(lambda: has_read_the_past(timezone.now()))
        since = timezone.now()
        if demo.past_is_imported():
            # Whatever was placed before they were stopped is not placed again.
            since -= demo.LONGEST_PAUSE
        else:
            count = demo.import_past(folder / "pushes.jsonl")
            logger.info("past imported", extra={"pushes": count})
            live.announce("past", [])
        while True:
            since = self._place(folder, since)
            time.sleep(POLL_SECONDS)

    def _place(self, folder: Path, since: datetime) -> datetime:
        now = timezone.now()
        try:
            seed, callees = load_roster(folder / "roster.json")
            _, refused = demo.place(next_calls(seed, callees, since, now), now)
        except DatabaseError as error:
            logger.warning("database away", extra={"why": str(error).strip()})
            connection.close()
            return since
        for why in refused:
            logger.info("call not pushed", extra={"why": why})
        return now


def wait_until(is_true) -> None:
    """Poll; the database may still be starting."""
    while not is_true():
        time.sleep(POLL_SECONDS)


def has_read_the_past(now: datetime) -> bool:
    """True when some feed has been read up to about now."""
    try:
        return Feed.objects.filter(seen_until__gte=now - CLOSE).exists()
    except DatabaseError:
        connection.close()
        return False
