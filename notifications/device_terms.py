"""What can be asked of the Devices list: each filter, what it takes, and its condition."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import chain

from django.db.models import Exists, Expression, F, OuterRef, Q, QuerySet, Value
from django.db.models.lookups import In, IRegex
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from notifications.at_once import expected
from notifications.conditions import aged, joined
from notifications.models import App, Ledger, TokenHealth
from notifications.terms import LOOKUPS, Kind, Number, OneOf, Query, Term, Text, When
from registrations.models import Device, Environment, Head, Holding, agent_heads

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
#: More devices than these are not named one by one: a beginning of many AORs.
MANY = 1000
#: Of a beginning of so many they are found before anything else is asked of them.
FETCHED, ENDLESS = 25_000, 2**40
#: Different User-Agents that are looked through; of more, those of every device.
MOST_AGENTS = 2000
SCHEME = re.compile(r"^(sips?|tel):", re.IGNORECASE)
INSTANCE = re.compile(r"^<?(urn:uuid:)?", re.IGNORECASE)
HEX = re.compile(r"[0-9a-f]*")
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
        "seen": When({"<1h": _("in the last hour"), ">24h": _("not for 24 h")}),
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
    found = looked_up_each(texts_of(asked))

    def condition(term: Term) -> Q:
        if not term.name:
            return _named(term.value, found[term.value])
        return CONDITIONS[term.name](term, now)

    return rows.filter(joined(asked, condition, TOGETHER))


def texts_of(asked: Query) -> list[str]:
    """What is looked for without a filter's name."""
    return [term.value for term in asked.terms if not term.name]


def _named(text: str, found: set[int] | None) -> Q:
    """What `looked_up` finds, as a condition on devices."""
    if found is not None:
        return Q(pk__in=found)
    all_of_them = Device.objects.order_by().filter(begins(text)).values("pk")
    if expected(all_of_them) > FETCHED:
        return begins(text)
    # Numbers are given in order: all with one beginning may be old, and the newest devices
    # would be looked through for them. A LIMIT, which nothing reaches, has them found first.
    return Q(pk__in=all_of_them[:ENDLESS])


def looked_up(text: str) -> set[int] | None:
    """The devices a text names: by the beginning of the AOR or of its user part, by the whole
    instance-id, by a token or its first or last characters. None for more than `MANY`, which
    only a beginning of many AORs names.
    """
    return looked_up_each([text])[text]


def exactly(text: str) -> set[int]:
    """Two at most of the devices whose AOR, or its user part, is the whole text."""
    name = SCHEME.sub("", text).upper()
    whole = Q(aor__name=name) | Q(aor__name__startswith=f"{name}@")
    found = Device.objects.order_by().filter(whole)
    return set(found.values_list("pk", flat=True)[:2])


def looked_up_each(texts: Iterable[str]) -> dict[str, set[int] | None]:
    """The same of each text, in one question."""
    each = list(dict.fromkeys(texts))
    parts = [
        part.annotate(place=Value(place)).values_list("place", name)[:most]
        for place, text in enumerate(each)
        for name, part, most in _having(text)
    ]
    found: list[set[int]] = [set() for _ in each]
    if parts:
        for place, pk in parts[0].union(*parts[1:], all=True):
            found[place].add(pk)
    sets = (None if len(one) > MANY else one for one in found)
    return dict(zip(each, sets, strict=True))


def _having(text: str) -> list[tuple[str, QuerySet, int]]:
    """Rows that lead to the devices of a text: the column that has them, how many at most."""
    bare = INSTANCE.sub("", text).rstrip(">").lower()
    instances = [form.format(bare) for form in ("{}", "urn:uuid:{}", "<urn:uuid:{}>")]
    devices = Device.objects.order_by()
    parts = [
        ("pk", devices.filter(begins(text)), MANY + 1),
        ("pk", devices.filter(instance_id__in=[text, *instances]), MANY),
    ]
    first, _, end = text.lower().partition("…")
    # Of all tokens it ever had: the one in an old log may be gone.
    if HEX.fullmatch(first) and (end or len(first) >= 4):
        starts, ends = Q(token__token__startswith=first), _ends(end or first)
        wanted = [starts & ends] if end else [starts, ends]
        held = Holding.objects.order_by()
        parts += [("device", held.filter(each), MANY) for each in wanted]
    return parts


def begins(text: str, path: str = "") -> Q:
    """The AOR or its user part begins so; `path` leads to the device."""
    return Q(**{f"{path}aor__name__startswith": SCHEME.sub("", text).upper()})


def _ends(text: str) -> Q:
    return Q(token__token__backwards__startswith=text[::-1])


def holding(tokens: QuerySet) -> Q:
    """Devices that hold one of these tokens now. EXISTS: PostgreSQL looks up the device for
    a NOT of it, and would make a list of all for NOT IN.
    """
    ours = Holding.objects.filter(current=True, device=OuterRef("pk"))
    return Q(Exists(ours.filter(token__in=tokens.values("token")).order_by()))


def struck(term: Term) -> QuerySet[Ledger]:
    """The ledgers with so many strikes."""
    return Ledger.objects.filter(**{f"strikes{LOOKUPS[term.sign]}": term.value})


def health_states(term: Term) -> tuple[str, ...]:
    """The states of a token that `token:` stands for."""
    return REFUSED if term.value == "invalid" else (term.value,)


def _tokens(terms: list[Term]) -> Q:
    states = chain.from_iterable(map(health_states, terms))
    return holding(TokenHealth.objects.filter(state__in=sorted(set(states))))


def _states(terms: list[Term]) -> Q:
    values = sorted({term.value for term in terms})
    return holding(Ledger.objects.filter(state__in=values))


def is_bound(now: datetime) -> Q:
    """Devices whose binding has not ended."""
    return Q(bound=True) & (Q(expires_at=None) | Q(expires_at__gt=now))


def _bound(term: Term, now: datetime) -> Q:
    if term.value == "yes":
        return is_bound(now)
    return Q(bound=False) | Q(expires_at__lte=now)


def _problem(term: Term, now: datetime) -> Q:
    if term.value == "any":
        return ~Q(problems=[])
    # The first condition is the index's.
    return ~Q(problems=[]) & Q(problems__contains=[{"rule": term.value}])


def agent_fits(term: Term, agent: Expression) -> Q:
    """A `User-Agent` says this version, iOS or phone; `agent` is what has it. Each fits by
    its beginning: 6.2 is 6.2.1, and not 6.20.
    """
    end = "(?![0-9])" if term.value[-1:].isdigit() else ""
    wanted = AGENTS[term.name] + re.escape(term.value) + end
    heads = agent_heads(MOST_AGENTS + 1)
    if len(heads) > MOST_AGENTS:
        return Q(IRegex(agent, wanted))
    fits = re.compile(wanted, re.IGNORECASE).search
    return Q(In(Head(agent), [head for head in heads if fits(head)]))


def _agent(term: Term, now: datetime) -> Q:
    return agent_fits(term, F("user_agent"))


#: How a User-Agent begins, or what stands before the value in it.
AGENTS = {"version": r"^[^/\s(]+[/ ]", "ios": r"(^|[^a-z])iOS[/ ]", "phone": r"\("}
CONDITIONS: dict[str, Callable[[Term, datetime], Q]] = {
    "state": lambda term, now: _states([term]),
    "strikes": lambda term, now: holding(struck(term)),
    "token": lambda term, now: _tokens([term]),
    "bound": _bound,
    "seen": lambda term, now: aged("last_seen_at", term, now),
    "env": lambda term, now: Q(environment=term.value),
    "app": lambda term, now: Q(bundle_id=term.value),
    **dict.fromkeys(AGENTS, _agent),
    "problem": _problem,
}
TOGETHER = {"state": _states, "token": _tokens}
