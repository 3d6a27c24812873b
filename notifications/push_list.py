"""The read model of the Pushes page: facets with counts, chips, a page of rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet

from notifications.filters import Chip, Facet, Option, chips_of
from notifications.fleet import FeedRow, feed_row
from notifications.keyset import BY_CREATION, cut, query, words
from notifications.models import App, Ledger, Push
from notifications.wording import rules_in_words

SPANS = {
    "15min": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "all": None,
}
USUAL_SPAN = "24h"
ASLEEP = Q(state="accepted", sip_call__verdict="unhandled")
LATE = Q(state="accepted", sip_call__rule="late")
HANDLED = Q(state="accepted", sip_call__verdict="handled")
PASSED_OVER = Q(sip_call__verdict__in=["exempt", "not_counted"], state="accepted")
REMOTE = Q(state="accepted") & ~Q(push_type="voip")
AWAITED = Q(state="accepted", push_type="voip") & (
    Q(sip_call=None) | Q(sip_call__verdict="awaited")
)
#: outcome → tone, words, and which rows it stands for. The first that fits counts.
OUTCOMES = {
    "late": ("warn", "Woke late", LATE),
    "woken": ("ok", "Woken", HANDLED & ~Q(sip_call__rule="late")),
    "asleep": ("hot", "Did not wake", ASLEEP),
    "rejected": ("bad", "Rejected by APNs", Q(state="rejected")),
    "remote": ("mute", "Accepted, remote", REMOTE),
    "passed": (
        "mute",
        "Exempt or not counted",
        PASSED_OVER & ~Q(sip_call__rule="late"),
    ),
    "flying": ("info", "In flight", AWAITED | Q(state__in=["queued", "sending"])),
    "lost": (
        "warn",
        "Not sent, unknown",
        Q(state__in=["unknown", "failed", "expired"]),
    ),
    "withdrawn": ("mute", "Cancelled, held", Q(state__in=["cancelled", "held"])),
}
TYPES = dict(Push.Type.choices)
ORIGINS = dict(Push.Origin.choices)
COLUMNS = {
    "type": "push_type",
    "reason": "reason",
    "app": "app__bundle_id",
    "origin": "origin",
}
NAMES = {
    "type": "Type",
    "outcome": "Outcome",
    "reason": "Reason",
    "app": "App",
    "origin": "Origin",
}


@dataclass(frozen=True, slots=True)
class PushRow:
    """A push, what became of it, and the strikes of its token today."""

    row: FeedRow
    ledger: Ledger | None
    status: int | None


@dataclass(frozen=True, slots=True)
class Pushes:
    """The whole page. `total` counts the span, `matching` what the filters leave."""

    rows: list[PushRow]
    newer: str
    older: str
    facets: list[Facet]
    chips: list[Chip]
    spans: list[tuple[str, str]]
    span: str
    q: str
    clear: str
    address: str
    total: int
    matching: int
    rules: str


def pushes(asked, now: datetime) -> Pushes:
    """Pushes of the span, the newest first."""
    chosen = chosen_of(asked)
    span = chosen["span"] or USUAL_SPAN
    groups = _groups(_spanned(chosen, now))
    rows = fitting(chosen, now).select_related("device", "token__ledger", "app")
    page = cut(rows.prefetch_related("attempts"), BY_CREATION, asked)
    labels = _labels(groups)
    return Pushes(
        rows=_shown(page.rows),
        newer=page.newer and query(**chosen, after=page.newer),
        older=page.older and query(**chosen, before=page.older),
        facets=[_facet(name, chosen, groups, labels[name]) for name in NAMES],
        chips=chips_of(chosen, labels | {"q": {"": "Call-ID or device"}}),
        spans=[(name, query(**chosen | {"span": name})) for name in SPANS],
        span=span,
        q=chosen["q"],
        clear=query(span=chosen["span"]),
        address=query(**chosen),
        total=sum(groups.values()),
        matching=sum(n for group, n in groups.items() if _fits(group, chosen)),
        rules=rules_in_words(App.objects.all()),
    )


def chosen_of(asked) -> dict:
    """What an address asks for: a list of values a facet, the text, the span."""
    span = asked.get("span", "")
    return {name: _several(asked, name) for name in NAMES} | {
        "q": words(asked.get("q", "")),
        "span": span if span in SPANS and span != USUAL_SPAN else "",
    }


def fitting(chosen: dict, now: datetime) -> QuerySet[Push]:
    """The pushes an address leaves."""
    return _matching(_spanned(chosen, now), chosen).select_related("sip_call")


def _spanned(chosen: dict, now: datetime) -> QuerySet[Push]:
    return _asked_for(_within(chosen["span"] or USUAL_SPAN, now), chosen["q"])


def _several(asked, name: str) -> list[str]:
    return [words(value) for value in asked.getlist(name) if words(value)][:20]


def _within(span: str, now: datetime) -> QuerySet[Push]:
    rows = Push.objects.all()
    return rows.filter(created_at__gte=now - SPANS[span]) if SPANS[span] else rows


def _asked_for(rows: QuerySet[Push], text: str) -> QuerySet[Push]:
    if not text:
        return rows
    return rows.filter(Q(call_id__startswith=text) | Q(device__aor__icontains=text))


def _matching(rows: QuerySet[Push], chosen: dict) -> QuerySet[Push]:
    for name, column in COLUMNS.items():
        if chosen[name]:
            rows = rows.filter(**{f"{column}__in": chosen[name]})
    if chosen["outcome"]:
        wanted = Q(pk__in=[])
        for outcome in chosen["outcome"]:
            wanted |= OUTCOMES[outcome][2] if outcome in OUTCOMES else Q(pk__in=[])
        rows = rows.filter(wanted)
    return rows


def _groups(rows: QuerySet[Push]) -> Counter[tuple]:
    """(type, outcome, reason, app, origin) → number, in one query."""
    columns = ("push_type", "state", "sip_call__verdict", "sip_call__rule")
    columns += ("reason", "app__bundle_id", "origin")
    counted: Counter[tuple] = Counter()
    for *facts, number in (
        rows.order_by().values_list(*columns).annotate(number=Count("pk"))
    ):
        push_type, state, verdict, rule, reason, app, origin = facts
        outcome = outcome_named(push_type, state, verdict or "awaited", rule)
        counted[push_type, outcome, reason, app, origin] += number
    return counted


def outcome_named(push_type: str, state: str, verdict: str, rule: str | None) -> str:
    """The key of OUTCOMES that the same facts have in SQL."""
    if state in {"queued", "sending"}:
        return "flying"
    if state != "accepted":
        others = {"rejected": "rejected", "cancelled": "withdrawn", "held": "withdrawn"}
        return others.get(state, "lost")
    if push_type != Push.Type.VOIP:
        return "remote"
    if rule == "late":
        return "late"
    names = {"handled": "woken", "unhandled": "asleep", "awaited": "flying"}
    return names.get(verdict, "passed")


def _fits(group: tuple, chosen: dict, but: str = "") -> bool:
    """The group passes every filter, `but` one."""
    return all(
        value in chosen[name]
        for name, value in zip(NAMES, group, strict=True)
        if chosen[name] and name != but
    )


def _labels(groups: Counter[tuple]) -> dict[str, dict[str, str]]:
    reasons = sorted({group[2] for group in groups if group[2]})
    return {
        "type": {"": NAMES["type"], **TYPES},
        "outcome": {"": NAMES["outcome"]}
        | {key: label for key, (_, label, _) in OUTCOMES.items()},
        "reason": {"": NAMES["reason"]} | {reason: reason for reason in reasons},
        "app": {"": NAMES["app"]}
        | {app.bundle_id: app.bundle_id for app in App.objects.all()},
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
