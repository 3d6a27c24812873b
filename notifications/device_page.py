"""The read model of one device: risk, lanes, timeline, tokens, Contact, problems."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from notifications.consequences import consequence_of
from notifications.contact import masked_contact, parameters_of
from notifications.lanes import lanes
from notifications.models import (
    App,
    Call,
    Ledger,
    Push,
    TokenHealth,
    TokenHealthChange,
)
from notifications.other_environment import other_than
from notifications.shielding import shown_protection
from notifications.timeline import timeline
from notifications.wording import meaning, rules_in_words
from registrations.models import Device, Holding, PushToken

#: As many strikes as are drawn; a longer run says how many came before.
SLOTS = 6
RELATED = 10


@dataclass(frozen=True, slots=True)
class Strike:
    """One strike of the run, with what proves it."""

    number: int
    at: datetime
    pushes: int
    witnessed: bool
    push: Push | None
    call: Call | None


@dataclass(frozen=True, slots=True)
class Kept:
    """A token the device holds, and the ones of its kind before it."""

    holding: Holding
    topic: str
    health: TokenHealth | None
    last_accepted_at: datetime | None
    before: list[Holding]
    #: Where it is good, and where to try it when APNs refused it there.
    environment: str
    other: str
    changes: list[TokenHealthChange]


@dataclass(frozen=True, slots=True)
class Risk:
    """The card of strikes."""

    ledger: Ledger | None
    strikes: list[Strike]
    earlier: int
    free: range
    meaning: str
    next_step: str
    rules: str
    #: What protect mode would do with the next call's push, in words; empty where it is off.
    shield: str
    is_held: bool


def device(found: Device, asked, now: datetime) -> dict:
    """Everything the Device page shows."""
    holdings = list(
        found.holdings.select_related("token__ledger", "token__health").order_by("-pk")
    )
    current = {row.token.kind: row.token for row in holdings if row.current}
    voip = current.get("voip")
    ledger = Ledger.objects.filter(token=voip).select_related("token").first()
    is_over = found.expires_at is not None and found.expires_at <= now
    last = found.pushes.filter(push_type=Push.Type.VOIP).order_by("-created_at").first()
    return {
        "device": found,
        "is_bound": found.bound and not is_over,
        "risk": _risk(found, voip, ledger),
        "tokens": _tokens(holdings),
        "lost": [row for row in holdings if not row.current],
        "lanes": lanes(found, ledger, asked.get("span", ""), now),
        "timeline": timeline(found, voip, ledger, asked),
        "contact": parameters_of(found),
        "raw_contact": masked_contact(found),
        "problems": [_problem(row) for row in found.problems],
        "related": _related(found, voip),
        "has_remote": "remote" in current,
        "last_voip": last,
    }


def _risk(found: Device, voip: PushToken | None, ledger: Ledger | None) -> Risk:
    user = found.aor.partition(":")[2].rpartition("@")[0] or found.aor
    what, next_step = meaning(ledger, user)
    strikes = _strikes(ledger)
    app = App.objects.filter(bundle_id=found.bundle_id)
    shield = shown_protection(app[0], ledger) if app else None
    return Risk(
        ledger=ledger,
        strikes=strikes[-SLOTS:],
        earlier=max(0, len(strikes) - SLOTS),
        free=range(ledger.strikes + 1, ledger.threshold + 1) if ledger else range(0),
        meaning=what if voip else _why_no_risk(found),
        next_step=next_step,
        rules=rules_in_words(app),
        shield=shield.words if shield else "",
        is_held=shield is not None and shield.holds,
    )


def _strikes(ledger: Ledger | None) -> list[Strike]:
    """The strikes of the run, oldest first, each with the newest push of its call."""
    if ledger is None:
        return []
    calls = Call.objects.in_bulk([row["call"] for row in ledger.run])
    pushes = Push.objects.filter(sip_call__in=calls).prefetch_related("attempts")
    newest = {push.sip_call_id: push for push in pushes.order_by("created_at")}
    return [
        Strike(
            number,
            datetime.fromisoformat(row["sent_at"]),
            row["pushes"],
            row["witnessed"],
            newest.get(row["call"]),
            calls.get(row["call"]),
        )
        for number, row in enumerate(ledger.run, 1)
    ]


def _why_no_risk(found: Device) -> str:
    if found.environment:
        return "It has no VoIP token, so iOS cannot stop waking it by VoIP pushes."
    if found.pn_provider:
        return f"Its push provider is {found.pn_provider}, not APNs: never at risk."
    return "Its Contact carries no push parameters (an isolated network, or no push)."


def _tokens(holdings: list[Holding]) -> list[Kept]:
    found = []
    for row in sorted(holdings, key=lambda row: row.token.kind, reverse=True):
        if row.current:
            token = row.token
            topic = token.bundle_id + (".voip" if token.kind == "voip" else "")
            older = [
                one
                for one in holdings
                if not one.current and one.token.kind == token.kind
            ]
            health = getattr(token, "health", None)
            place = (health and health.environment) or token.environment
            found.append(
                Kept(
                    row,
                    topic,
                    health,
                    _last_accepted(token),
                    older[:5],
                    place,
                    other_than(place),
                    list(token.health_changes.order_by("-id")[:5]),
                )
            )
    return found


def _last_accepted(token: PushToken) -> datetime | None:
    taken = Push.objects.filter(token=token, state=Push.State.ACCEPTED)
    return taken.order_by("-sent_at").values_list("accepted_at", flat=True).first()


def _problem(row: dict) -> dict:
    return row | {"consequence": consequence_of(row["rule"])}


def _related(found: Device, voip: PushToken | None) -> list[tuple[Device, str]]:
    """Devices of the same AOR, the same app on the same phone, or the same token."""
    same = Q(aor=found.aor)
    if found.instance_id:
        same |= Q(instance_id=found.instance_id)
    if voip is not None:
        same |= Q(pk__in=voip.holdings.values("device"))
    others = Device.objects.filter(same).exclude(pk=found.pk)[:RELATED]
    return [(other, _relation(found, other)) for other in others]


def _relation(found: Device, other: Device) -> str:
    if other.aor == found.aor:
        return "same AOR, another phone or install"
    if other.instance_id == found.instance_id and found.instance_id:
        return "same phone, another AOR"
    return "same VoIP token: it shares the strikes"
