"""The read model of the Audit page: who did what to which object, and when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from notifications.at_once import capped
from notifications.filters import Chip, chips_of
from notifications.keyset import BY_MOMENT, cut, pages, query, words
from notifications.models import AuditEntry
from notifications.wording import ACTIONS

SPANS = {
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "all": None,
}
USUAL_SPAN = "7d"
NAMES = {"who": _("Person"), "what": _("Action"), "q": _("Object")}
#: What the page proposes: words → address.
QUESTIONS = {
    _("Who resent what"): {"what": "push.resend"},
    _("Who revealed tokens"): {"what": "token.reveal"},
    _("Who exported"): {"what": "export"},
    _("Who changed people"): {"what": "user"},
}
COLUMNS = ("at", "who", "action", "object", "reason", "detail")
AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Audit:
    """The whole page."""

    rows: list[AuditEntry]
    newer: str
    older: str
    matching: int
    chips: list[Chip]
    chosen: dict[str, str]
    span: str
    spans: list[tuple[str, str]]
    people: list[str]
    actions: list[tuple[str, str]]
    questions: list[tuple[str, str, bool]]
    address: str


def audit_page(asked, now: datetime) -> Audit:
    """Entries, the newest first."""
    address = address_of(asked)
    chosen = {name: address[name] for name in NAMES}
    rows = fitting(asked, now)
    page = cut(rows, BY_MOMENT, asked)
    labels = {name: {"": label} for name, label in NAMES.items()}
    labels["what"] |= ACTIONS | KINDS
    people = AuditEntry.objects.order_by("actor_name").values_list(
        "actor_name", flat=True
    )
    return Audit(
        rows=page.rows,
        newer=page.newer and query(**address, after=page.newer),
        older=page.older and query(**address, before=page.older),
        matching=capped(rows)[0],
        chips=chips_of(address, labels),
        chosen=chosen,
        span=span_of(asked),
        spans=[(name, query(**address | {"span": name})) for name in SPANS],
        people=list(people.distinct()[:200]),
        actions=sorted((ACTIONS | KINDS).items(), key=lambda one: str(one[1])),
        questions=[
            (label, query(**values, span=address["span"]), _are(values, chosen))
            for label, values in QUESTIONS.items()
        ],
        address=query(**address),
    )


#: Actions that are asked for together, by their first word.
KINDS = {
    "export": _("Any export"),
    "user": _("Any change of people"),
    "push": _("Anything with pushes"),
    "credential": _("Anything with keys"),
}


def _are(values: dict, chosen: dict) -> bool:
    return values == {name: value for name, value in chosen.items() if value}


def span_of(asked) -> str:
    """The span an address names."""
    span = asked.get("span", "")
    return span if span in SPANS else USUAL_SPAN


def address_of(asked) -> dict[str, str]:
    """What an address asks for, as parts of an address."""
    span = span_of(asked)
    named = {name: words(asked.get(name, "")) for name in NAMES}
    return {**named, "span": "" if span == USUAL_SPAN else span}


def fitting(asked, now: datetime) -> QuerySet[AuditEntry]:
    """The entries an address leaves."""
    wanted, since = address_of(asked), SPANS[span_of(asked)]
    rows = AuditEntry.objects.all()
    if since is not None:
        rows = rows.filter(at__gte=now - since)
    if wanted["who"]:
        rows = rows.filter(actor_name__iexact=wanted["who"])
    if wanted["what"] in KINDS:
        rows = rows.filter(action__startswith=f"{wanted['what']}.")
    elif wanted["what"]:
        rows = rows.filter(action=wanted["what"])
    return rows.filter(_about(wanted["q"])) if wanted["q"] else rows


def _about(text: str) -> Q:
    """An AOR or a part of it, a word of the reason, the id of a push or a bulk."""
    named = Q(detail__push=text) | Q(detail__bulk=text)
    return named | Q(subject__icontains=text) | Q(reason__icontains=text)


def file_rows(asked, now: datetime) -> Iterator[list[tuple]]:
    """The same as rows of a file, some at a time."""
    for some in pages(fitting(asked, now), BY_MOMENT, AT_ONCE):
        yield [
            (
                entry.at.isoformat(),
                entry.actor_name,
                entry.action,
                entry.subject,
                entry.reason,
                "; ".join(f"{name}={value}" for name, value in entry.detail.items()),
            )
            for entry in some
        ]
