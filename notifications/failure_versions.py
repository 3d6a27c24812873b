"""Which app versions fail: failures by version, and how many of its calls were unhandled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Q, Sum

from notifications.agents import agent_of
from notifications.heat import FLOOR
from notifications.keyset import query
from notifications.models import CallCount, Size
from notifications.proportions import Tally
from notifications.terms import written

#: As many versions are told apart.
ROWS = 30
#: A longer time is counted by days.
LONGEST_BY_HOURS = timedelta(hours=49)


@dataclass(slots=True)
class Version:
    """Failures of one version of one app, and its judged calls of the same time."""

    bundle_id: str
    version: str
    #: What it is called in the User-Agents that have it.
    names: set[str] = field(default_factory=set)
    asleep: int = 0
    rejected: int = 0
    others: int = 0
    calls: Tally = Tally()

    @property
    def number(self) -> int:
        """All of its failures."""
        return self.asleep + self.rejected + self.others

    @property
    def is_enough(self) -> bool:
        """There are calls enough to say a share."""
        return self.calls.judged >= FLOOR

    @property
    def devices(self) -> str:
        """The address of its devices on Devices."""
        version = f" {written('version', self.version)}" if self.version else ""
        return query(q=f"{written('app', self.bundle_id)}{version}")


def versions(
    counted: Iterable[tuple[str, str, str, int]],
    calls: Mapping[tuple[str, str], Tally],
) -> list[Version]:
    """Failures by app and version of the phones as they are today, the most first. `counted`:
    state of the push, bundle id, User-Agent, number; `calls`: name and version → judged calls.
    """
    found: dict[tuple[str, str], Version] = {}
    for state, bundle_id, user_agent, number in counted:
        agent = agent_of(user_agent)
        key = (bundle_id, agent.version)
        one = found.setdefault(key, Version(*key))
        one.names.add(agent.name)
        kinds = {"accepted": "asleep", "rejected": "rejected"}
        name = kinds.get(state, "others")
        setattr(one, name, getattr(one, name) + number)
    ordered = sorted(found.values(), key=lambda one: -one.number)[:ROWS]
    for one in ordered:
        tallies = (calls.get((name, one.version), Tally()) for name in one.names)
        one.calls = sum(tallies, Tally()) if one.version else Tally()
    return ordered


def calls_judged(since: datetime, until: datetime) -> dict[tuple[str, str], Tally]:
    """Name and version → the calls sent in the full hours, or days, of a time (UTC)."""
    is_by_hours = until - since <= LONGEST_BY_HOURS
    size = Size.HOUR if is_by_hours else Size.DAY
    hours = {} if is_by_hours else {"hour": 0}
    first = since.replace(minute=0, second=0, microsecond=0, **hours)
    rows = CallCount.objects.filter(
        size=size,
        start__gte=first,
        start__lt=until,
        verdict__in=["handled", "unhandled"],
        build__isnull=False,
    )
    groups = (
        rows.order_by()
        .values_list("build__name", "build__version")
        .annotate(
            unhandled=Sum("calls", filter=Q(verdict="unhandled"), default=0),
            judged=Sum("calls"),
        )
    )
    return {(name, version): Tally(*numbers) for name, version, *numbers in groups}
