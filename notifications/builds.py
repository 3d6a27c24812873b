"""User-Agent → the build that stands for it. Written once for each; calls point at it."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

from notifications.agents import agent_of
from notifications.models import Build

LONGEST = 250
RUN = """
    SELECT device.id, left(device.user_agent, %s), build.id FROM registrations_device device
    LEFT JOIN notifications_build build ON build.user_agent = left(device.user_agent, %s)
    WHERE device.id = ANY(%s) AND device.user_agent <> ''
"""


def builds_of(device_ids: Iterable[int]) -> dict[int, int]:
    """device → the build it runs now; devices without a User-Agent are left out."""
    with connection.cursor() as cursor:
        cursor.execute(RUN, [LONGEST, LONGEST, list(set(device_ids))])
        rows = cursor.fetchall()
    missing = sorted({agent for _, agent, build in rows if build is None})
    Build.objects.bulk_create(map(_build, missing), ignore_conflicts=True)
    known = _known(missing) if missing else {}
    return {device: build or known[agent] for device, agent, build in rows}


def _known(agents: Iterable[str]) -> dict[str, int]:
    rows = Build.objects.filter(user_agent__in=set(agents))
    return dict(rows.values_list("user_agent", "pk"))


def _build(text: str) -> Build:
    agent = agent_of(text)
    return Build(
        user_agent=text,
        name=agent.name,
        version=agent.version,
        phone=agent.model,
        ios=agent.ios,
    )
