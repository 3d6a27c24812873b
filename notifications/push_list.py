"""The read model of the Pushes page: facets with counts, chips, a page of rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from notifications.at_once import COUNTED, grouped_in_sets
from notifications.bulk_page import running
from notifications.display import Display, Order, display_of
from notifications.filters import ALL, Chip, Facet, Option, chips_of, term_chip
from notifications.fleet import FeedRow, feed_row
from notifications.keyset import BY_CREATION, cut, pairs, query
from notifications.listing import looked_since
from notifications.models import App, Bulk, Ledger, Push
from notifications.proposing import proposed_for_pushes
from notifications.push_chart import Chart, chart_of, slot_of
from notifications.push_names import APNS_ID
from notifications.push_outcomes import OUTCOMES, outcome_named
from notifications.push_terms import (
    AGENTS,
    NAMES,
    ORIGINS,
    TYPES,
    Asked,
    Named,
    asked_of,
    chosen_in_parts,
    is_looked_at,
    named_by,
    spanned,
)
from notifications.push_terms import chosen as chosen_of
from notifications.ranges import Range
from notifications.stored_words import told
from notifications.terms import Query
from notifications.wording import rules_in_words

#: So many pushes are looked through for strikes; for versions, phones and AORs, of which each
#: push costs a look at its device.
LOOKED, LOOKED_BY_DEVICE = 20_000, 5_000
ORDERS = {
    "newest": Order(_("Newest first"), BY_CREATION, _("Newer"), _("Older")),
    "oldest": Order(_("Oldest first"), replace(BY_CREATION, is_ascending=True)),
}
#: The columns that may be hidden; outcome and device stay.
LIST_COLUMNS = {
    "time": _("Time"),
    "type": _("Type"),
    "status": _("Status and reason"),
    "origin": _("Origin"),
    "id": "apns-id",
    "strikes": _("Strikes"),
}


@dataclass(frozen=True, slots=True)
class PushRow:
    """A push, what became of it, and the strikes of its token today."""

    row: FeedRow
    ledger: Ledger | None
    status: int | None


@dataclass(frozen=True, slots=True)
class Pushes:
    """The whole page. `total` counts the span up to `COUNTED` + 1, `among` what the filters
    leave of these. `matching`: what they leave in all, None where there are more than that.
    """

    rows: list[PushRow]
    newer: str
    older: str
    facets: list[Facet]
    chips: list[Chip]
    spans: list[tuple[str, str]]
    span: str
    #: The span that counts again without the time a query names.
    kept_span: str
    q: str
    faults: tuple[str, ...]
    clear: str
    address: str
    total: int
    among: int
    matching: int | None
    #: More than are counted: the numbers of the facets are those of the newest.
    is_cut: bool
    #: Pushes before it were not looked through; None: all of the span were.
    looked_since: datetime | None
    looks: int
    #: A filter asks for what phones run, which is told of today.
    asks_of_agents: bool
    rules: str
    running: list[Bulk]
    display: Display
    kept: list[tuple[str, str]]
    terms: list[tuple[str, str]]
    range: Range
    #: The range, or the time that the query names.
    named: Range
    #: From when to when the rows are; the chart of them, where that has a beginning.
    stretch: Range
    chart: Chart | None
    #: The address without any time, and the same as hidden fields of a form.
    timeless: str
    kept_by_range: list[tuple[str, str]]


def pushes(asked, now: datetime) -> Pushes:
    """Pushes of the span, the newest first or as the address says."""
    wanted = asked_of(asked)
    display = display_of(asked, ORDERS, LIST_COLUMNS)
    chosen = wanted.facets
    apps = list(App.objects.all())
    time = wanted.time
    stretch = time.stretch(now)
    stretch = replace(stretch, until=stretch.until or now)
    named = named_by(wanted.query)
    looked_since, looked = _looked_since(wanted, now, named), wanted
    if looked_since is not None:
        looked = replace(wanted, time=time.since(looked_since))
    every = spanned(looked, now, named)
    groups, by_slot = _groups(every, stretch, apps)
    parts = chosen_in_parts(every, wanted)
    fit = parts[0] if len(parts) == 1 else chosen_of(every, chosen)
    total = sum(groups.values())
    among = sum(n for group, n in groups.items() if _fits(group, chosen))
    is_counted = total <= COUNTED or not any(chosen.values())
    rows = fit.select_related("sip_call", "device", "token__ledger", "app")
    rows = rows.annotate(apns_id=APNS_ID).prefetch_related("attempts")
    page = cut(rows, display.order.key, asked, display.size, parts)
    labels = _labels(groups, apps)
    address = wanted.address | display.address
    timeless = address | {"span": "", "from": "", "to": ""}
    return Pushes(
        rows=_shown(page.rows),
        newer=page.newer and query(**address, after=page.newer),
        older=page.older and query(**address, before=page.older),
        facets=[_facet(name, chosen, groups, labels[name]) for name in NAMES],
        chips=[*chips_of(address, labels), *_term_chips(wanted, address)],
        spans=time.links(timeless),
        span=time.span,
        kept_span=time.kept,
        q=address["q"],
        faults=wanted.faults,
        clear=query(**time.address, **display.address) or ALL,
        address=query(**address),
        total=total,
        among=among,
        matching=among if is_counted else None,
        is_cut=total > COUNTED,
        looked_since=looked_since,
        looks=_looks(wanted),
        asks_of_agents=any(term.name in AGENTS for term in wanted.query.terms),
        rules=rules_in_words(apps),
        running=list(running(Bulk.RESENDS)),
        display=display,
        kept=pairs(wanted.address),
        terms=proposed_for_pushes(apps),
        range=time.range,
        named=time.named(now),
        stretch=stretch,
        chart=None if wanted.faults else chart_of(stretch, by_slot),
        timeless=query(**timeless),
        kept_by_range=pairs(timeless),
    )


def _term_chips(wanted: Asked, address: dict) -> list[Chip]:
    asked = wanted.query
    return [term_chip(term, asked, address) for term in asked.terms]


def _looked_since(wanted: Asked, now: datetime, named: Named) -> datetime | None:
    """Strikes, versions, phones and beginnings of many AORs stand in no index of pushes: of a
    span with many of them, only the newest are looked through.
    """
    terms = wanted.query.terms
    if wanted.faults or not any(is_looked_at(term, named) for term in terms):
        return None
    most = _looks(wanted)
    ages = tuple(term for term in terms if term.name == "at")
    rows = spanned(replace(wanted, query=Query(ages, wanted.query.faults)), now)
    return looked_since(rows, BY_CREATION, most)


def _looks(wanted: Asked) -> int:
    by_device = any(term.name in {"", *AGENTS} for term in wanted.query.terms)
    return LOOKED_BY_DEVICE if by_device else LOOKED


def _groups(
    rows: QuerySet[Push], stretch: Range, apps: list[App]
) -> tuple[Counter[tuple], list[tuple]]:
    """(type, outcome, reason, app, origin) → number, of the newest `COUNTED` + 1; and the
    same rows by slot, type, state, verdict and rule, each with how many.
    """
    columns = ("push_type", "state", "sip_call__verdict", "sip_call__rule")
    columns += ("reason", "app_id", "origin")
    bundles = {app.pk: app.bundle_id for app in apps}
    newest = BY_CREATION.ordered(rows.annotate(slot=slot_of(stretch)))
    values = newest.values_list(*columns, "slot")
    groups, by_slot = grouped_in_sets(values, tuple(range(7)), (7, 0, 1, 2, 3))
    counted: Counter[tuple] = Counter()
    for *facts, number in groups:
        push_type, state, verdict, rule, reason, app, origin = facts
        outcome = outcome_named(push_type, state, verdict or "awaited", rule)
        counted[push_type, outcome, reason, bundles.get(app, ""), origin] += number
    return counted, by_slot


def _fits(group: tuple, chosen: dict, but: str = "") -> bool:
    """The group passes every filter, `but` one."""
    return all(
        value in chosen[name]
        for name, value in zip(NAMES, group, strict=True)
        if chosen[name] and name != but
    )


def _labels(groups: Counter[tuple], apps: list[App]) -> dict[str, dict[str, str]]:
    reasons = sorted({group[2] for group in groups if group[2]})
    return {
        "type": {"": NAMES["type"], **TYPES},
        "outcome": {"": NAMES["outcome"]}
        | {key: label for key, (_, label, _) in OUTCOMES.items()},
        "reason": {"": NAMES["reason"]} | {reason: told(reason) for reason in reasons},
        "app": {"": NAMES["app"]} | {app.bundle_id: app.bundle_id for app in apps},
        "origin": {"": NAMES["origin"], **ORIGINS},
    }


def _facet(name: str, chosen: dict, groups: Counter[tuple], labels: dict) -> Facet:
    """How many rows each value would show beside the other facets' choices."""
    at = list(NAMES).index(name)
    numbers: Counter[str] = Counter()
    for group, number in groups.items():
        if _fits(group, chosen, but=name):
            numbers[group[at]] += number
    options = [
        Option(value, label, _tone(name, value), numbers[value], value in chosen[name])
        for value, label in labels.items()
        if value and (numbers[value] or value in chosen[name])
    ]
    return Facet(name, labels[""], options)


def _tone(name: str, value: str) -> str:
    return OUTCOMES[value][0] if name == "outcome" else ""


def _shown(found: list[Push]) -> list[PushRow]:
    return [
        PushRow(feed_row(push), getattr(push.token, "ledger", None), _status(push))
        for push in found
    ]


def _status(push: Push) -> int | None:
    """APNs's newest answer."""
    statuses = [attempt.status for attempt in push.attempts.all() if attempt.status]
    return statuses[-1] if statuses else None
