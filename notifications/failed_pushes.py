"""Pushes that failed, and calls that woke nobody: what a query and a time leave of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from notifications.at_once import COUNTED
from notifications.conditions import joined
from notifications.display import Order
from notifications.failure_reasons import FAILED
from notifications.keyset import BY_END
from notifications.listing import Asked, Listing
from notifications.models import Call, Push
from notifications.push_outcomes import ASLEEP, TAKEN
from notifications.push_terms import AGENTS, OF_DEVICES, condition_of, kinds, named_by
from notifications.ranges import Range
from notifications.spans import Time
from notifications.terms import Query, Term
from registrations.models import Among

#: Filters of other lists: the newest that failed may lie too far apart to look at each.
ELSEWHERE = OF_DEVICES | dict.fromkeys(AGENTS, _("Devices and Pushes"))
#: Pushes of one call are no further apart.
LONGEST_CALL = timedelta(hours=1)


def _condition(term: Term, now: datetime) -> Q:
    return condition_of(term, now, named_by(Query((term,), ())), "ended_at")


FAILURES = Listing(
    {name: kind for name, kind in kinds().items() if name not in AGENTS},
    _condition,
    {
        "newest": Order(_("Newest first"), BY_END, _("Newer"), _("Older")),
        "oldest": Order(_("Oldest first"), replace(BY_END, is_ascending=True)),
    },
    ELSEWHERE,
)


@dataclass(frozen=True, slots=True)
class Failed:
    """Pushes that failed; those of the newest calls that APNs took and that woke nobody, and
    all of these; calls nobody handled, whatever the query.
    """

    rows: QuerySet[Push]
    asleep: QuerySet[Push]
    every_asleep: QuerySet[Push]
    calls: QuerySet[Call]
    #: The query asks for what woke nobody, and for nothing else.
    is_of_asleep: bool

    @property
    def listed(self) -> QuerySet[Push]:
        """What the list of failed deliveries shows."""
        return self.asleep if self.is_of_asleep else self.rows


def failed(wanted: Asked, time: Time, now: datetime) -> Failed:
    """What failed in that time: nothing where a word of the address is wrong."""
    stretch = time.stretch(now)
    earlier = Range(stretch.since - LONGEST_CALL, stretch.until)
    calls = Call.objects.filter(earlier.of("sent_at"), verdict="unhandled")
    ended = Push.objects.filter(stretch.of("ended_at"))
    # What is asked for is looked for among the newest calls: no filter reads them all.
    newest = ArraySubquery(calls.order_by("-sent_at").values("pk")[: COUNTED + 1])
    named = named_by(wanted.query)
    asked = joined(
        wanted.query, lambda term: condition_of(term, now, named, "ended_at")
    )
    if wanted.query.faults or time.faults:
        ended = ended.none()
    return Failed(
        rows=ended.filter(FAILED).filter(asked),
        asleep=ended.filter(TAKEN, Among(F("sip_call_id"), newest)).filter(asked),
        every_asleep=ended.filter(ASLEEP).filter(asked),
        calls=calls,
        is_of_asleep=_asks_for_asleep(wanted.query),
    )


def _asks_for_asleep(asked: Query) -> bool:
    outcomes = {
        (term.value, term.is_not) for term in asked.terms if term.name == "outcome"
    }
    return outcomes == {("asleep", False)}
