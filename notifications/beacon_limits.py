"""How many beacons a minute are let in, of a device and of an app. Counted in Redis: the counts
may be lost, the beacons not, so without Redis all are let in.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import redis
from django.conf import settings

from notifications.beacons import BeaconRefused

logger = logging.getLogger(__name__)

WINDOW_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Limits:
    """Beacons a minute."""

    device: int = 20
    app: int = 12_000


def admit(app: int, fingerprint: str, limits: Limits, now: datetime) -> None:
    """Count this beacon. Raises BeaconRefused beyond a limit."""
    window, gone = divmod(int(now.timestamp()), WINDOW_SECONDS)
    allowed = {
        f"pushdash:beacons:{app}:{fingerprint}:{window}": limits.device,
        f"pushdash:beacons:{app}:{window}": limits.app,
    }
    try:
        counts = _counted(list(allowed))
    except redis.RedisError as error:
        logger.warning("beacons not counted", extra={"why": str(error)})
        return
    if any(
        count > limit for count, limit in zip(counts, allowed.values(), strict=True)
    ):
        why = f"at most {limits.device} a minute of one device, {limits.app} of an app"
        raise BeaconRefused(429, "limited", why, retry_after=WINDOW_SECONDS - gone)


def _counted(names: list[str]) -> list[int]:
    with _client(settings.REDIS_URL).pipeline() as pipeline:
        for name in names:
            pipeline.incr(name)
            pipeline.expire(name, 2 * WINDOW_SECONDS)
        return pipeline.execute()[::2]


@cache
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=1)
