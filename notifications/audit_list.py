"""The read model of the Audit page: who did what to which object, and when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet
from django.db.models.fields.json import KT
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _

from notifications.at_once import capped
from notifications.conditions import aged
from notifications.device_terms import SCHEME
from notifications.display import Order
from notifications.keyset import BY_MOMENT, pages, query
from notifications.listing import Asked, Listing, Page, check, looked_since
from notifications.models import AuditEntry
from notifications.ranges import Range
from notifications.spans import Spans, Time
from notifications.terms import OneOf, Term, Text, When, proposed
from notifications.wording import ACTIONS

SPANS = Spans(
    {
        "24h": timedelta(hours=24),
        "7d": timedelta(days=7),
        "30d": timedelta(days=30),
        "all": None,
    },
    "7d",
)
#: Actions that are asked for together, by their first word.
KINDS = {
    "bulk": _("Anything with many at once"),
    "credential": _("Anything with keys"),
    "export": _("Any export"),
    "push": _("Anything with pushes"),
    "token": _("Anything with tokens"),
    "user": _("Any change of people"),
    "view": _("Any change of shared views"),
}
#: What the page proposes: words → query.
QUESTIONS = {
    _("Who resent what"): "action:push.resend",
    _("Who revealed tokens"): "action:token.reveal",
    _("Who exported"): "action:export",
    _("Who changed people"): "action:user",
}
ORDERS = {
    "newest": Order(_("Newest first"), BY_MOMENT, _("Newer"), _("Older")),
    "oldest": Order(_("Oldest first"), replace(BY_MOMENT, is_ascending=True)),
}
COLUMNS = ("at", "who", "action", "object", "reason", "detail")
AT_ONCE = 2000
#: No index has a part of a reason or of an object: so many entries are looked through for it.
LOOKED = 20_000
MOST_PEOPLE = 200


def condition_of(term: Term, now: datetime) -> Q:
    """Which entries a term fits."""
    if term.name == "who":
        return Q(actor_name__iexact=term.value)
    if term.name == "action":
        return Q(**{"action__kind" if term.value in KINDS else "action": term.value})
    if term.name == "object":
        return Q(subject__name__startswith=SCHEME.sub("", term.value).upper())
    if term.name == "reason":
        return Q(reason__icontains=term.value)
    if term.name == "at":
        return aged("at", term, now)
    return _about(term.value)


def _about(text: str) -> Q:
    """The id of a push or a bulk; else a part of the object, or of the reason."""
    try:
        wanted = str(UUID(text))
    except ValueError:
        return Q(subject__icontains=text) | Q(reason__icontains=text)
    found = Q(subject__name__startswith=text.upper())
    for name in ("push", "bulk"):
        found |= Q(Exact(KT(f"detail__{name}"), wanted))
    return found


def _is_looked_at(term: Term) -> bool:
    return term.name in {"", "reason"}


AUDIT = Listing(
    {
        "who": Text({}),
        "action": OneOf({**KINDS, **ACTIONS}),
        "object": Text({}),
        "reason": Text({}),
        "at": When({}),
    },
    condition_of,
    ORDERS,
)


@dataclass(frozen=True, slots=True)
class Entries:
    """What a query leaves of a time."""

    asked: Asked
    page: Page
    #: At most `COUNTED` + 1.
    matching: int
    #: Entries before it were not looked through; None: all of the time were.
    looked_since: datetime | None
    #: Worth proposing while the query is typed.
    terms: list[tuple[str, str]]
    looks: int = LOOKED


@dataclass(frozen=True, slots=True)
class Audit:
    """The whole page. `questions`: words, address, whether it is asked now."""

    time: Time
    stretch: Range
    #: The range, or the time that the query names.
    named: Range
    spans: list[tuple[str, str]]
    entries: Entries
    questions: list[tuple[str, str, bool]]
    address: str

    @property
    def faults(self) -> tuple[str, ...]:
        """What cannot be read."""
        return self.entries.asked.query.faults + self.time.faults


def audit_page(asked, now: datetime) -> Audit:
    """Entries, the newest first or as the address says."""
    time = SPANS.time(asked)
    wanted = AUDIT.read(asked, **time.address)
    time = time.beside(wanted.query)
    others = wanted.address | {"q": ""}
    questions = [
        (label, query(**others | {"q": q}), q == wanted.q)
        for label, q in QUESTIONS.items()
    ]
    return Audit(
        time=time,
        stretch=time.stretch(now),
        named=time.named(now),
        spans=time.links(wanted.address),
        entries=entries(asked, wanted, time, now),
        questions=questions,
        address=query(**wanted.address),
    )


def entries(asked, wanted: Asked, time: Time, now: datetime) -> Entries:
    """The page of entries that an address names, here and on Failures."""
    since = None
    if any(map(_is_looked_at, wanted.query.terms)):
        since = _looked_since(wanted, time, now)
    rows = fitting(wanted, time.since(since) if since else time, now)
    return Entries(
        asked=wanted,
        page=wanted.page(rows, asked),
        matching=capped(rows)[0],
        looked_since=since,
        terms=proposed({**AUDIT.kinds, "who": Text(_people())}),
    )


def fitting(wanted: Asked, time: Time, now: datetime) -> QuerySet[AuditEntry]:
    """The entries an address leaves."""
    if time.faults:
        return AuditEntry.objects.none()
    rows = AuditEntry.objects.filter(time.stretch(now).of("at"))
    return AUDIT.fitting(rows, wanted, now)


def _looked_since(wanted: Asked, time: Time, now: datetime) -> datetime | None:
    ages = tuple(term for term in wanted.query.terms if term.name == "at")
    aged_only = replace(wanted, query=replace(wanted.query, terms=ages))
    return looked_since(fitting(aged_only, time, now), BY_MOMENT, LOOKED)


def _people() -> dict[str, str]:
    """Who may have done something: distinct names of millions of entries take seconds."""
    names = get_user_model().objects.order_by("username")
    found = names.values_list("username", "first_name")
    return dict(found[:MOST_PEOPLE])


def file_rows(asked, now: datetime) -> Iterator[list[tuple]]:
    """The same as rows of a file, some at a time. Raises WrongQuery."""
    wanted = AUDIT.read(asked)
    time = SPANS.time(asked).beside(wanted.query)
    check(wanted.query.faults + time.faults)
    found = pages(fitting(wanted, time, now), BY_MOMENT, AT_ONCE)
    return (list(map(_file_row, some)) for some in found)


def _file_row(entry: AuditEntry) -> tuple:
    detail = "; ".join(f"{name}={value}" for name, value in entry.detail.items())
    return (
        entry.at.isoformat(),
        entry.actor_name,
        entry.action,
        entry.subject,
        entry.reason,
        detail,
    )
