"""User-Agent → the build that stands for it. Written once for each; calls point at it."""

from __future__ import annotations

from collections.abc import Iterable

from notifications.agents import agent_of
from notifications.models import Build
from registrations.models import Device

LONGEST = 250


def builds_of(device_ids: Iterable[int]) -> dict[int, int]:
    """device → the build it runs now; devices without a User-Agent are left out."""
    rows = Device.objects.filter(pk__in=set(device_ids)).exclude(user_agent="")
    agents = {
        pk: text[:LONGEST]
        for pk, text in rows.values_list("pk", "user_agent").order_by()
    }
    known = _known(agents.values())
    missing = sorted(set(agents.values()) - known.keys())
    if missing:
        Build.objects.bulk_create(map(_build, missing), ignore_conflicts=True)
        known |= _known(missing)
    return {device: known[text] for device, text in agents.items()}


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
