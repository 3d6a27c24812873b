"""What one device did and was sent, read once for its lanes, its timeline and its strikes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import OuterRef, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Cast, JSONObject

from notifications.lane_spans import Stretch
from notifications.models import (
    Ledger,
    Push,
    Reset,
    TokenHealthChange,
    VerdictChange,
)
from notifications.push_names import APNS_ID
from notifications.resend_facts import asked_of
from registrations.models import Device, DeviceEvent, Holding, PushToken, Sighting

#: Rows of a page of the timeline.
ROWS = 40
#: Pushes that the lanes draw; turning points that are looked at.
MARKS, TURNS = 400, 100
#: A binding is drawn from its REGISTER on, which may lie so long before the span.
LONGEST_BINDING = timedelta(hours=24)
WEEK = timedelta(days=7)
RESET, SIGN, OVERTURNED = "reset", "sign", "overturned"
CHANGE = Cast(JSONObject(before="before", after="after"), TextField())
SAID = Cast(
    JSONObject(
        kind="kind",
        call_id="call_id",
        code="code",
        feed="feed__name",
        position="position",
    ),
    TextField(),
)


@dataclass(frozen=True, slots=True)
class Register:
    """One accepted REGISTER, and where it can be read."""

    moment: datetime
    expires: int | None
    kind: str
    assumed: bool
    feed: str
    position: int
    call_id: str


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign of life (`kind` of a Sighting) that is no accepted REGISTER. Of a REGISTER `code`
    is what the registrar answered, None where no answer was seen.
    """

    moment: datetime
    kind: str
    call_id: str
    code: int | None
    feed: str
    position: int


@dataclass(frozen=True, slots=True)
class Overturned:
    """A verdict that was given and then overturned: what it was and became, by which rule."""

    moment: datetime
    was: str
    became: str
    rule: str
    push: str | None


@dataclass(frozen=True, slots=True)
class Turn:
    """A turning point (`kind` of a DeviceEvent) and, as JSON, what it changed; or the `reset`
    by a person and why.
    """

    moment: datetime
    kind: str
    why: str


@dataclass(frozen=True, slots=True)
class History:
    """All of it, the newest first: what lies in a stretch, and the page before a moment."""

    holdings: list[Holding]
    pushes: list[Push]
    registers: list[Register]
    turns: list[Turn]
    signs: list[Sign]
    overturned: list[Overturned]
    #: What APNs said of the tokens it holds now.
    health: list[TokenHealthChange]
    #: The page of the timeline ends before it.
    before: datetime

    @property
    def tokens(self) -> dict[str, PushToken]:
        """kind → the token it holds now."""
        return {row.token.kind: row.token for row in self.holdings if row.current}

    @property
    def voip(self) -> PushToken | None:
        """The voip token it holds now."""
        return self.tokens.get("voip")

    @property
    def ledger(self) -> Ledger | None:
        """The strikes of that token."""
        return getattr(self.voip, "ledger", None)

    @property
    def struck(self) -> dict[int, Push]:
        """call → the newest push of each strike of the run."""
        calls = {row["call"] for row in self.ledger.run} if self.ledger else set()
        ours = (push for push in reversed(self.pushes) if push.sip_call_id in calls)
        return {push.sip_call_id: push for push in ours}


def history_of(
    device: Device, stretch: Stretch, before: datetime | None, now: datetime
) -> History:
    """What happened in a stretch of time, and the page of the timeline before a moment."""
    holdings = list(_holdings(device, now))
    voip = next((row.token for row in holdings if row.current and _is_voip(row)), None)
    ledger = getattr(voip, "ledger", None)
    told = _told(device, voip, before or now)
    return History(
        holdings,
        _pushes(device, ledger, stretch, before),
        _registers(device, stretch, before),
        [turn for turn in told if turn.kind not in {SIGN, OVERTURNED}],
        [Sign(one.moment, **json.loads(one.why)) for one in told if one.kind == SIGN],
        [
            Overturned(one.moment, **json.loads(one.why))
            for one in told
            if one.kind == OVERTURNED
        ],
        _health(holdings),
        before or now,
    )


def pushes_beside(device: Device, stretch: Stretch) -> list[Push]:
    """The push before a stretch of time and the one after it, where there are such."""
    ours = Push.objects.filter(device=device).defer("payload")
    before = ours.filter(created_at__lt=stretch.since).order_by("-created_at")[:1]
    after = ours.filter(created_at__gte=stretch.until).order_by("created_at")[:1]
    return [*before, *after]


def _is_voip(row: Holding) -> bool:
    return row.token.kind == PushToken.Kind.VOIP


def _holdings(device: Device, now: datetime) -> QuerySet[Holding]:
    """The tokens it holds and held, each with when APNs last took a push to it, and what
    the safety of another push rests on.
    """
    taken = Push.objects.filter(token=OuterRef("token"), state=Push.State.ACCEPTED)
    newest = taken.order_by("-sent_at").values("accepted_at")[:1]
    rows = device.holdings.select_related("token__ledger", "token__health")
    rows = rows.annotate(last_accepted_at=Subquery(newest))
    return asked_of(rows, now).order_by("-pk")


def _health(holdings: list[Holding]) -> list[TokenHealthChange]:
    current = [row.token_id for row in holdings if row.current]
    rows = TokenHealthChange.objects.filter(token__in=current).order_by("-id")
    return list(rows[:TURNS])


def _pushes(device, ledger: Ledger | None, stretch, before) -> list[Push]:
    """Those the lanes draw, a page of the timeline, the last VoIP push, those of strikes."""
    every = Push.objects.select_related("sip_call").defer("payload")
    every = every.annotate(apns_id=APNS_ID)
    ours = every.filter(device=device).order_by("-created_at")
    page = ours.filter(created_at__lt=before) if before else ours
    parts = [
        page[: ROWS + 1],
        ours.filter(push_type=Push.Type.VOIP)[:1],
    ]
    if ledger is not None and ledger.run:
        calls = [row["call"] for row in ledger.run]
        parts.append(every.filter(sip_call__in=calls).order_by("-created_at")[:MARKS])
    drawn = ours.filter(created_at__range=(stretch.since, stretch.until))[:MARKS]
    found = {push.pk: push for push in drawn.union(*parts, all=True)}
    return sorted(found.values(), key=lambda push: push.created_at, reverse=True)


def _registers(device: Device, stretch: Stretch, before) -> list[Register]:
    rows = device.registrations.filter(moment__isnull=False).order_by("-moment")
    page = rows.filter(moment__lt=before) if before else rows
    first, last = stretch.since - LONGEST_BINDING, stretch.until
    # The days name the partitions to look into.
    days = (first.date() - timedelta(days=1), last.date() + timedelta(days=1))
    drawn = rows.filter(moment__range=(first, last), day__range=days)
    names = ("moment", "expires", "kind", "assumed", "feed__name", "position")
    names += ("call_id",)
    both = drawn.values_list(*names).union(page.values_list(*names)[: ROWS + 1])
    return sorted((Register(*row) for row in both), key=_moment, reverse=True)


def _signs(device: Device, before: datetime) -> QuerySet:
    """Those of the week before: older ones lie among too many accepted REGISTERs."""
    first = before - WEEK
    told = device.sightings.filter(
        moment__gte=first,
        moment__lt=before,
        day__range=(first.date(), before.date()),
    ).exclude(kind=Sighting.Kind.REGISTER)
    newest = told.order_by("-moment")
    return newest.values_list("moment", Value(SIGN), SAID)[: ROWS + 1]


def _overturned(voip: PushToken | None, before: datetime) -> QuerySet:
    newest = Push.objects.filter(sip_call=OuterRef("call")).order_by("-created_at")
    said = JSONObject(
        was="verdict",
        became="became",
        rule="became_rule",
        push=Subquery(newest.values("pk")[:1]),
    )
    rows = VerdictChange.objects.filter(call__token=voip, at__lte=before)
    told = rows.order_by("-at")
    found = told.values_list("at", Value(OVERTURNED), Cast(said, TextField()))
    return found[: ROWS + 1]


def _told(device: Device, voip: PushToken | None, before: datetime) -> list[Turn]:
    """Turning points, resets, signs of life, overturned verdicts, the newest first, in one
    question.
    """
    events = DeviceEvent.objects.filter(device=device, moment__isnull=False)
    told = events.order_by("-moment").values_list("moment", "kind", CHANGE)[:TURNS]
    resets = Reset.objects.filter(token=voip).order_by("-at")
    resets = resets.values_list("at", Value(RESET), "reason")[:TURNS]
    every = told.union(
        resets, _signs(device, before), _overturned(voip, before), all=True
    )
    return sorted((Turn(*row) for row in every), key=_moment, reverse=True)


def _moment(row: Register | Turn) -> datetime:
    return row.moment
