"""Tells a worker that rows wait.

The rows are the queue: a lost wake-up costs a second, beat wakes the drain too, and the
lookout where Redis is away.
"""

from __future__ import annotations

import logging
import time

from kombu.exceptions import OperationalError

from notifications import tasks
from notifications.models import Push

#: No wake-up is tried so long after one that Redis did not take.
SILENT_SECONDS = 5.0
logger = logging.getLogger(__name__)


class _Silent:
    """Until when, by the monotonic clock, this process wakes nobody."""

    until = 0.0


_silent = _Silent()


def ring(push_type: str) -> None:
    """Wake the workers of this push type. Redis may be away: then the lookout serves, and
    for a while nobody waits here to find out again.
    """
    if time.monotonic() < _silent.until:
        return
    task = tasks.wake_voip if push_type == Push.Type.VOIP else tasks.wake_bulk
    try:
        task.apply_async(retry=False, expires=30)
    except OperationalError as error:
        _silent.until = time.monotonic() + SILENT_SECONDS
        logger.warning("wake-up not sent", extra={"why": str(error)})
