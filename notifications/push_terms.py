"""What can be asked of the Pushes list: facets, a query, a span of time; its conditions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from uuid import UUID

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext_lazy as _

from notifications.conditions import aged, joined
from notifications.device_terms import (
    AGENTS,
    agent_fits,
    begins,
    health_states,
    looked_up_each,
    struck,
    texts_of,
)
from notifications.keyset import words
from notifications.models import App, Ledger, Push, TokenHealth
from notifications.push_names import called, ids_of
from notifications.push_outcomes import ACCEPTED, OF_CALLS, OUTCOMES, PARTS
from notifications.spans import Spans, Time
from notifications.terms import (
    LOOKUPS,
    Kind,
    Number,
    OneOf,
    Query,
    Term,
    Text,
    When,
    read_query,
)
from registrations.models import Device, Environment

SPANS = Spans(
    {
        "15min": timedelta(minutes=15),
        "1h": timedelta(hours=1),
        "24h": timedelta(hours=24),
        "7d": timedelta(days=7),
        "30d": timedelta(days=30),
        "all": None,
    },
    "24h",
)
TYPES = dict(Push.Type.choices)
ORIGINS = dict(Push.Origin.choices)
COLUMNS = {
    "type": "push_type",
    "reason": "reason",
    "origin": "origin",
}
#: Terms whose value stands in a column as it is.
EQUAL = {**COLUMNS, "state": "state", "env": "environment"}
NAMES = {
    "type": _("Type"),
    "outcome": _("Outcome"),
    "reason": _("Reason"),
    "app": _("App"),
    "origin": _("Origin"),
}


#: Filters of Devices, where they are typed here.
OF_DEVICES = dict.fromkeys(("bound", "seen", "problem"), _("Devices"))
#: States of strikes, where the state of a push is asked.
OF_LEDGERS = dict.fromkeys(Ledger.State.values, _("Devices"))
#: No index of pushes has what these ask for, nor what a beginning of many AORs does.
LOOKED_AT = frozenset({"strikes", "hour", *AGENTS})


@dataclass(frozen=True, slots=True)
class Named:
    """What each text of a query names: devices, None for too many; ids of pushes."""

    devices: Mapping[str, set[int] | None]
    ids: Mapping[str, list[UUID]]


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks for: the chosen values of each facet, the rest, the span."""

    facets: dict[str, list[str]]
    query: Query
    time: Time

    @property
    def faults(self) -> tuple[str, ...]:
        """What cannot be read."""
        return self.query.faults + self.time.faults

    @property
    def is_without_calls(self) -> bool:
        """It leaves out the only type of push that has verdicts."""
        types = self.facets["type"]
        terms = self.query.terms
        is_left_out = any(
            (term.name, term.value, term.is_not) == ("type", "voip", True)
            for term in terms
        )
        return is_left_out or (bool(types) and "voip" not in types)

    @property
    def address(self) -> dict:
        """The same as parts of an address."""
        text = " ".join(term.written for term in self.query.terms)
        return {**self.facets, "q": text, **self.time.address}


def kinds() -> dict[str, Kind]:
    """What the search box takes beside text: the facets' names, and a few more."""
    return {
        "type": OneOf(TYPES),
        "outcome": OneOf({key: label for key, (_, label, _) in OUTCOMES.items()}),
        "reason": Text({}),
        "app": Text({}),
        "origin": OneOf(ORIGINS),
        "state": OneOf(dict(Push.State.choices), OF_LEDGERS),
        "strikes": Number({}),
        "token": OneOf(
            {"invalid": _("Refused in any way"), **dict(TokenHealth.State.choices)}
        ),
        "env": OneOf(dict(Environment.choices)),
        **dict.fromkeys(AGENTS, Text({})),
        "at": When({}),
        "hour": Number({}),
    }


def asked_of(asked) -> Asked:
    """What an address asks for; a facet named in the search box is a facet chosen."""
    wanted = read_query(words(asked.get("q", "")), kinds(), OF_DEVICES)
    named: dict[str, list[str]] = {name: _several(asked, name) for name in NAMES}
    facets = [term for term in wanted.terms if term.name in NAMES and not term.is_not]
    for term in facets:
        if term.value not in named[term.name]:
            named[term.name].append(term.value)
    terms = tuple(term for term in wanted.terms if term not in facets)
    rest = Query(terms, wanted.faults)
    return Asked(named, rest, SPANS.time(asked).beside(rest))


def fitting(asked: Asked, now: datetime) -> QuerySet[Push]:
    """The pushes an address leaves."""
    return chosen(spanned(asked, now), asked.facets).select_related("sip_call")


def named_by(asked: Query) -> Named:
    """What its texts name, in two questions; in none where it has no text."""
    texts = texts_of(asked)
    return Named(looked_up_each(texts), ids_of(texts))


def spanned(asked: Asked, now: datetime, named: Named | None = None) -> QuerySet[Push]:
    """Those before the facets choose among them. `named`: by the query, where that is known."""
    if asked.faults:
        return Push.objects.none()
    named = named or named_by(asked.query)
    rows = Push.objects.filter(asked.time.stretch(now).of("created_at"))
    return rows.filter(joined(asked.query, lambda term: condition_of(term, now, named)))


def is_looked_at(term: Term, named: Named) -> bool:
    """No index of pushes has what it asks for: each push is looked at."""
    return term.name in LOOKED_AT or (
        not term.name and named.devices[term.value] is None
    )


def condition_of(
    term: Term, now: datetime, named: Named, moment: str = "created_at"
) -> Q:
    """Which pushes a term fits. `moment`: the column that says when a push was."""
    if term.name == "outcome":
        return OUTCOMES[term.value][2]
    if term.name == "app":
        return of_app(term.value)
    if term.name in EQUAL:
        return Q(**{EQUAL[term.name]: term.value})
    if term.name == "strikes":
        return Q(token__in=struck(term).values("token"))
    if term.name == "token":
        states = health_states(term)
        healths = TokenHealth.objects.filter(state__in=states)
        return Q(token__in=healths.order_by().values("token"))
    if term.name == "at":
        return aged(moment, term, now)
    if term.name == "hour":
        # Of the day by the reader's clock.
        return Q(**{f"{moment}__hour{LOOKUPS[term.sign]}": term.value})
    if term.name in AGENTS:
        return agent_fits(term, _agent())
    devices, ids = named.devices[term.value], named.ids[term.value]
    return called(term.value, ids) | _to(devices, term.value)


def _agent() -> Subquery:
    """The User-Agent of a push's device: a look at one row. A join might read all devices."""
    found = Device.objects.order_by().filter(pk=OuterRef("device_id"))
    return Subquery(found.values("user_agent"))


def _to(devices: set[int] | None, text: str) -> Q:
    """Pushes to the devices that a text names."""
    return begins(text, "device__") if devices is None else Q(device__in=devices)


def _several(asked, name: str) -> list[str]:
    return [words(value) for value in asked.getlist(name) if words(value)][:20]


def chosen(rows: QuerySet[Push], facets: dict[str, list[str]]) -> QuerySet[Push]:
    """Those of the chosen values of each facet."""
    rows = _in_columns(rows, facets)
    if facets["outcome"]:
        wanted = (OUTCOMES[name][2] for name in facets["outcome"] if name in OUTCOMES)
        rows = rows.filter(reduce(or_, wanted, Q(pk__in=[])))
    return rows


def chosen_in_parts(rows: QuerySet[Push], asked: Asked) -> list[QuerySet[Push]]:
    """The same as lists that have no row in common, each found by an index of its own where
    there is one: an OR of rare outcomes would be looked for in every push.
    """
    rows = _in_columns(rows, asked.facets)
    if not asked.facets["outcome"]:
        return [rows]
    names = [
        name for name in dict.fromkeys(asked.facets["outcome"]) if name in OUTCOMES
    ]
    parts = [part for name in names for part in PARTS.get(name, (OUTCOMES[name][2],))]
    if asked.is_without_calls:
        # None of them fits, and each push would be looked at to see it.
        parts = [part for part in parts if part not in OF_CALLS]
    if asked.facets["reason"]:
        parts = [part for part in parts if part not in ACCEPTED]
    return [rows.filter(part) for part in parts] or [rows.none()]


def _in_columns(rows: QuerySet[Push], facets: dict[str, list[str]]) -> QuerySet[Push]:
    for name, column in COLUMNS.items():
        if facets[name]:
            rows = rows.filter(**{f"{column}__in": facets[name]})
    apps = map(of_app, facets["app"])
    return rows.filter(reduce(or_, apps)) if facets["app"] else rows


def of_app(bundle_id: str) -> Q:
    """Pushes of this app: its number is found first, so that an index that begins with it, or
    has it, is used.
    """
    found = App.objects.filter(bundle_id=bundle_id).values("pk")
    return Q(app=found[:1])
