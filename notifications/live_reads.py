"""What the live page reads of the database, without a word: its readers share it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, partial

from notifications import charts
from notifications.alarms import Alarm, alarms
from notifications.at_once import Question
from notifications.attention import Attention, asked
from notifications.backlog import Lane, lanes
from notifications.board import STATES, AtRisk, devices_in, worst
from notifications.kept_counts import counts
from notifications.models import App, Call, Ledger, Push
from notifications.sources import held_by_feeds
from notifications.troubles import apps_beside_trouble
from registrations.models import Device, Feed

LATELY = timedelta(minutes=15)
FEED_ROWS = 60
#: What a row of the feed is made of; it is read four times a second.
FEED_FIELDS = (
    "push_type",
    "state",
    "reason",
    "created_at",
    "sent_at",
    "device__aor",
    "sip_call__verdict",
    "sip_call__rule",
    "sip_call__wake_time",
)


@dataclass(frozen=True, slots=True)
class Population:
    """How many devices there are, and how many are bound: of a million, slow to count."""

    registered: int
    known: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What is counted in rows. `at_risk`: state → devices; `waiting_for`: what holds each
    open verdict.
    """

    population: Population
    attention: Attention
    voip: int
    suspected_since: datetime | None
    waiting_for: list[list[dict]]
    at_risk: dict[str, int]


class Rows:
    """What the live page reads of the database, each when it is first asked for. It holds no
    word, so readers of every language and clock share it.
    """

    def __init__(self, now: datetime, span: str) -> None:
        self._now, self._span = now, span

    @cached_property
    def pushes(self) -> list[Push]:
        return newest_pushes()

    @cached_property
    def worst(self) -> list[AtRisk]:
        return worst(self.each_app)

    @cached_property
    def figures(self) -> Figures:
        return figures(self._now)

    @cached_property
    def lately(self) -> list[tuple[str, timedelta | None]]:
        return lately_at(self._now)

    @cached_property
    def lanes(self) -> list[Lane]:
        return lanes(self._now)

    @cached_property
    def feeds(self) -> list[Feed]:
        enabled = Feed.objects.filter(enabled=True)
        return list(enabled.defer("pending", "branches"))

    @cached_property
    def apps(self) -> list[App]:
        return apps_beside_trouble(self._now)

    @property
    def each_app(self) -> list[App]:
        return list({app.pk: app for app in self.apps}.values())

    @cached_property
    def alarms(self) -> list[Alarm]:
        return alarms()

    @cached_property
    def outcomes(self) -> list[tuple[datetime, str, int]]:
        return charts.counted(self._now, self._span)


def _registered(now: datetime) -> Question:
    return Question(Device.objects.bound_at(now).order_by().values("pk"))


def _known() -> Question:
    return Question(Device.objects.order_by().values("pk"))


def _sent(now: datetime) -> Question:
    sent = Push.objects.filter(push_type="voip", sent_at__range=(now - LATELY, now))
    return Question(sent.order_by().values("pk"))


def _since() -> Question:
    suspected = Ledger.objects.filter(state="suspected").values("since")
    return Question(suspected.order_by(), "max(asked.since)", None)


def _waiting() -> Question:
    return Question(held_by_feeds(), "jsonb_agg(asked.held_by)", None)


def figures(now: datetime) -> Figures:
    """What is counted. The devices may be as of a moment ago where they are many."""
    everybody = {"registered": partial(_registered, now), "known": _known}
    quiet = {state: partial(devices_in, state) for state in STATES[2:]}
    shell = asked(now)
    # Who has just come to be at risk is on the page at once, however large the house is.
    fresh = {state: partial(devices_in, state) for state in STATES[:2]}
    fresh |= {"voip": partial(_sent, now), "since": _since, "waiting": _waiting}
    numbers = counts(shell | quiet | everybody, now, fresh)
    return Figures(
        population=Population(numbers["registered"], numbers["known"]),
        attention=Attention(**{name: numbers[name] for name in shell}),
        voip=numbers["voip"],
        suspected_since=numbers["since"],
        waiting_for=json.loads(numbers["waiting"] or "[]"),
        at_risk={state: numbers[state] for state in STATES},
    )


def lately_at(now: datetime) -> list[tuple[str, timedelta | None]]:
    """Verdict and wake time of each call of the last 15 minutes."""
    calls = Call.objects.filter(sent_at__range=(now - LATELY, now))
    return list(calls.values_list("verdict", "wake_time"))


def newest_pushes() -> list[Push]:
    """As many as the feed shows."""
    newest = Push.objects.select_related("device", "sip_call").only(*FEED_FIELDS)
    return list(newest.order_by("-created_at", "-pk")[:FEED_ROWS])
