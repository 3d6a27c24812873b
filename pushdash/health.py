"""/healthz: this process answers. /readyz: so do the database and Redis; what waits to be
sent, and which certificates end, is told beside.
"""

from __future__ import annotations

from datetime import datetime

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from notifications.backlog import lanes
from notifications.expiry import ending


def healthz(request: HttpRequest) -> HttpResponse:
    """200 while the process lives."""
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> JsonResponse:
    """200 when everything behind answers, else 503 with what does not."""
    state = {"database": _database(), "redis": redis_answers()}
    told = state | (_told(timezone.now()) if state["database"] else {})
    return JsonResponse(told, status=200 if all(state.values()) else 503)


def _told(now: datetime) -> dict:
    """For a monitor: depth and age (seconds) of what waits to be sent, and certificates
    that end within 60 days, by the stage of their warning.
    """
    queues = {
        lane.name: {"waiting": lane.waiting, "later": lane.later, "oldest": lane.oldest}
        for lane in lanes(now)
    }
    certificates = [
        {
            "app": row.app.bundle_id,
            "environment": row.environment,
            "expires_at": row.expires_at.isoformat(),
            "stage": warning.days,
        }
        for row, warning in ending(now)
    ]
    return {"queues": queues, "certificates": certificates}


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def redis_answers() -> bool:
    """Within a second or two: one that hangs is as good as away."""
    patience = {"socket_timeout": 1, "socket_connect_timeout": 1}
    try:
        with redis.Redis.from_url(settings.REDIS_URL, **patience) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False
