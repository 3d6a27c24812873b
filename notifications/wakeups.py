"""How often a background push may wake one device: Apple throttles beyond "two or three an
hour" (Apple, "Pushing background updates to your App").
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection

from notifications.models import Push
from registrations.models import Device

MOST, WITHIN = 3, timedelta(hours=1)
WAITS = "waits: 3 background pushes an hour to one device"
#: First key of pg_advisory_xact_lock(int4, int4): "one request for wake-ups of this device".
NAMESPACE = 0x77616B65


class WakeUps:
    """The wake-ups of some devices, those of one transaction included."""

    def __init__(self) -> None:
        #: The moments of the newest, the latest last.
        self._moments: dict[int, list[datetime]] = {}

    def next_free(self, device: Device, at: datetime) -> datetime:
        """When the next one may leave, at `at` or later; it is taken."""
        if device.pk not in self._moments:
            self._moments[device.pk] = _newest(device, at)
        moments = self._moments[device.pk]
        free = at if len(moments) < MOST else max(at, moments[-MOST] + WITHIN)
        moments.append(free)
        return free


def _newest(device: Device, at: datetime) -> list[datetime]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, hashint8(%s))", [NAMESPACE, device.pk]
        )
    wakes = Push.objects.filter(
        device=device,
        push_type=Push.Type.BACKGROUND,
        due_at__gt=at - WITHIN,
        state__in=["queued", "sending", "accepted", "unknown"],
    )
    newest = wakes.order_by("-due_at").values_list("due_at", flat=True)[:MOST]
    return sorted(newest)
