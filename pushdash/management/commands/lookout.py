"""`manage.py lookout`: stands in for beat and the workers while Redis is away."""

from __future__ import annotations

import logging
import time

from django.core.management.base import BaseCommand
from django.db import close_old_connections

from pushdash.health import redis_answers
from pushdash.lookout import Lookout, tasks_of_beat

logger = logging.getLogger(__name__)
LOOK_SECONDS = 1.0


class Command(BaseCommand):
    help = (
        "Send what is due while Redis is away and no worker can be woken. "
        "Runs until it is stopped; one a host that has a voip worker."
    )

    def handle(self, **options) -> None:
        lookout = Lookout(lambda: not redis_answers(), tasks_of_beat())
        was_away = False
        while True:
            close_old_connections()
            is_away = bool(lookout.look(time.monotonic()))
            if is_away != was_away:
                words = "Redis is away: sending here" if is_away else "Redis is back"
                logger.warning(words)
                was_away = is_away
            time.sleep(LOOK_SECONDS)
