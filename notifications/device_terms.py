"""What can be asked of the Devices list: each filter, what it takes, and its condition."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from notifications.conditions import aged, joined
from notifications.models import App, Ledger, TokenHealth
from notifications.terms import LOOKUPS, Age, Kind, Number, OneOf, Query, Term, Text
from registrations.models import Device, Environment, Holding

LABELS = {
    "": pgettext_lazy("noun", "Search"),
    "state": _("State"),
    "strikes": _("Strikes"),
    "token": _("Token"),
    "bound": _("Registered"),
    "seen": _("Seen"),
    "env": _("Environment"),
    "app": _("App"),
    "version": _("Version"),
    "ios": _("iOS"),
    "phone": _("Phone"),
    "problem": _("Problem"),
}
REFUSED = ("retired", "quarantined", "wrong_topic")


def kinds(apps: Iterable[App]) -> dict[str, Kind]:
    """What each filter takes; the apps are worth proposing."""
    named = {app.bundle_id: app.name for app in apps}
    return {
        "state": OneOf(dict(Ledger.State.choices)),
        "strikes": Number(
            {">=1": _("1 or more"), ">=2": _("2 or more"), ">=3": _("3 or more")}
        ),
        "token": OneOf(
            {"invalid": _("Refused in any way"), **dict(TokenHealth.State.choices)}
        ),
        "bound": OneOf({"yes": _("yes"), "no": _("no")}),
        "seen": Age({"<1h": _("in the last hour"), ">24h": _("not for 24 h")}),
        "env": OneOf(dict(Environment.choices)),
        "app": Text(named),
        "version": Text({}),
        "ios": Text({}),
        "phone": Text({}),
        "problem": Text({"any": _("any")}),
    }


def fitting(rows: QuerySet[Device], asked: Query, now: datetime) -> QuerySet[Device]:
    """The devices a query leaves: none where a word of it is wrong."""
    if asked.faults:
        return rows.none()
    return rows.filter(joined(asked, lambda term: CONDITIONS[term.name](term, now)))


def named(text: str) -> Q:
    """AOR or a part of it, an instance-id, a token or its first or last characters."""
    found = Q(aor__icontains=text) | Q(instance_id__icontains=text)
    if len(text) < 4:
        return found
    first, _, end = text.lower().partition("…")
    ends = Q(token__token__endswith=end or first) if len(end or first) >= 4 else Q()
    starts = Q(token__token__startswith=first)
    # Of all tokens it ever had: the one in an old log may be gone.
    return found | _held(starts & ends if end else starts | ends)


def holding(tokens: Q) -> Q:
    """Devices that hold such a token now."""
    return _held(Q(tokens, current=True))


def _held(wanted: Q) -> Q:
    return Q(pk__in=Holding.objects.filter(wanted).values("device"))


def _token(term: Term, now: datetime) -> Q:
    states = REFUSED if term.value == "invalid" else (term.value,)
    return holding(Q(token__health__state__in=states))


def _bound(term: Term, now: datetime) -> Q:
    bound = Q(pk__in=Device.objects.bound_at(now).values("pk"))
    return bound if term.value == "yes" else ~bound


def _problem(term: Term, now: datetime) -> Q:
    if term.value == "any":
        return ~Q(problems=[])
    return Q(problems__contains=[{"rule": term.value}])


def _agent(pattern: str) -> Callable[[Term, datetime], Q]:
    """Versions and phones fit by their beginning: 6.2 is 6.2.1, and not 6.20."""

    def condition(term: Term, now: datetime) -> Q:
        end = "(?![0-9])" if term.value[-1:].isdigit() else ""
        return Q(user_agent__iregex=pattern + re.escape(term.value) + end)

    return condition


CONDITIONS: dict[str, Callable[[Term, datetime], Q]] = {
    "": lambda term, now: named(term.value),
    "state": lambda term, now: holding(Q(token__ledger__state=term.value)),
    "strikes": lambda term, now: holding(
        Q(**{f"token__ledger__strikes{LOOKUPS[term.sign]}": term.value})
    ),
    "token": _token,
    "bound": _bound,
    "seen": lambda term, now: aged("last_seen_at", term, now),
    "env": lambda term, now: Q(environment=term.value),
    "app": lambda term, now: Q(bundle_id=term.value),
    "version": _agent(r"^[^/\s(]+[/ ]"),
    "ios": _agent(r"(^|[^a-z])iOS[/ ]"),
    "phone": _agent(r"\("),
    "problem": _problem,
}
