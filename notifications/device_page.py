"""The read model of one device: risk, lanes, timeline, tokens, Contact, problems."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, Value
from django.utils.translation import gettext

from notifications.consequences import consequence_of, is_never_pushed_to, remedy_of
from notifications.contact import broken_rules, masked_contact, parameters_of
from notifications.device_address import place_of
from notifications.device_history import History, history_of, pushes_beside
from notifications.lane_spans import clock_of, stretch_of
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
from notifications.resend_facts import facts_from
from notifications.safety import is_safe
from notifications.shielding import shown_protection
from notifications.timeline import KINDS, timeline
from notifications.token_history import HealthTold, health_told, token_history
from notifications.wording import meaning, rules_in_words
from registrations.models import Device, Holding, PushToken

#: As many strikes as are drawn; a longer run says how many came before.
SLOTS = 6
RELATED = 10
#: Changes of a token's health that are told.
CHANGES = 5


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
    """A token the device holds, and what APNs says of it."""

    holding: Holding
    topic: str
    health: TokenHealth | None
    last_accepted_at: datetime | None
    #: Where it is good, and where to try it when APNs refused it there.
    environment: str
    other: str
    changes: list[HealthTold]


@dataclass(frozen=True, slots=True)
class Risk:
    """The card of strikes."""

    ledger: Ledger | None
    strikes: list[Strike]
    earlier: int
    free: range
    meaning: str
    next_step: str
    #: Its Contact breaks a rule without which Flexisip pushes nothing to it.
    is_unreached: bool
    rules: str
    #: What protect mode would do with the next call's push, in words; empty where it is off.
    shield: str
    is_held: bool


def device(found: Device, asked, now: datetime) -> dict:
    """Everything the Device page shows."""
    stretch = stretch_of(asked, now)
    place = place_of(asked, stretch, KINDS)
    history = history_of(found, stretch, place.end, now)
    is_over = found.expires_at is not None and found.expires_at <= now
    shown = timeline(history, place)
    voip = (push for push in history.pushes if push.push_type == Push.Type.VOIP)
    return {
        "device": found,
        "is_bound": found.bound and not is_over,
        "risk": _risk(found, history),
        "tokens": _tokens(history),
        "token_history": token_history(history),
        "lost": [row for row in history.holdings if not row.current],
        "lanes": lanes(history, stretch),
        "timeline": shown,
        "beside": pushes_beside(found, stretch) if not shown.rows else [],
        "at": asked.get("at", "").strip(),
        "wrong_time": clock_of(asked)[1],
        "place": place,
        "contact": parameters_of(found),
        "raw_contact": masked_contact(found),
        "problems": [_problem(row) for row in found.problems],
        "related": _related(found, history.tokens),
        "has_remote": "remote" in history.tokens,
        "alert_safety": is_safe(facts_from(history.holdings, Push.Type.ALERT, now)),
        "last_voip": next(voip, None),
    }


def _risk(found: Device, history: History) -> Risk:
    user = found.aor.partition(":")[2].rpartition("@")[0] or found.aor
    ledger = history.ledger
    broken = broken_rules(found)
    what, next_step = meaning(ledger, user, broken)
    is_unreached = any(map(is_never_pushed_to, broken))
    strikes = _strikes(history)
    app = App.objects.filter(bundle_id=found.bundle_id)
    shield = shown_protection(app[0], ledger) if app else None
    return Risk(
        ledger=ledger,
        strikes=strikes[-SLOTS:],
        earlier=max(0, len(strikes) - SLOTS),
        free=range(ledger.strikes + 1, ledger.threshold + 1) if ledger else range(0),
        meaning=what if history.voip or is_unreached else _why_no_risk(found),
        next_step=next_step,
        is_unreached=is_unreached,
        rules=rules_in_words(app),
        shield=shield.words if shield else "",
        is_held=shield is not None and shield.holds,
    )


def _strikes(history: History) -> list[Strike]:
    """The strikes of the run, oldest first, each with the newest push of its call."""
    if history.ledger is None:
        return []
    struck = history.struck
    pushes = [(row, struck.get(row["call"])) for row in history.ledger.run]
    return [
        Strike(
            number,
            datetime.fromisoformat(row["sent_at"]),
            row["pushes"],
            row["witnessed"],
            push,
            push and push.sip_call,
        )
        for number, (row, push) in enumerate(pushes, 1)
    ]


def _why_no_risk(found: Device) -> str:
    if found.environment:
        return gettext(
            "It has no VoIP token, so iOS cannot stop waking it by VoIP pushes."
        )
    if found.pn_provider:
        told = gettext("Its push provider is %(provider)s, not APNs: never at risk.")
        return told % {"provider": found.pn_provider}
    return gettext(
        "Its Contact carries no push parameters (an isolated network, or no push)."
    )


def _tokens(history: History) -> list[Kept]:
    holdings = history.holdings
    current = [row for row in holdings if row.current]
    changes: dict[int, list[TokenHealthChange]] = defaultdict(list)
    for change in history.health:
        changes[change.token_id].append(change)
    return [
        _kept(row, changes[row.token_id])
        for row in sorted(current, key=lambda row: row.token.kind, reverse=True)
    ]


def _kept(row: Holding, changes: list[TokenHealthChange]) -> Kept:
    token = row.token
    topic = token.bundle_id + (".voip" if token.kind == "voip" else "")
    health = getattr(token, "health", None)
    place = (health and health.environment) or token.environment
    return Kept(
        row,
        topic,
        health,
        row.last_accepted_at,
        place,
        other_than(place),
        [health_told(change) for change in changes[:CHANGES]],
    )


def _problem(row: dict) -> dict:
    rule = row["rule"]
    return row | {"consequence": consequence_of(rule), "remedy": remedy_of(rule)}


def _related(found: Device, tokens: dict[str, PushToken]) -> list[tuple[Device, str]]:
    """Devices of a same token, the same app on the same phone, or the same AOR."""
    others = Device.objects.exclude(pk=found.pk).order_by("pk")
    same = {
        kind: Q(pk__in=tokens[kind].holdings.values("device"))
        for kind in ("voip", "remote")
        if kind in tokens
    }
    if found.instance_id:
        same["phone"] = Q(instance_id=found.instance_id)
    same["aor"] = Q(aor=found.aor)
    # Each by its own index: an OR of them would read every device.
    first, *rest = [
        others.filter(each).annotate(by=Value(name))[:RELATED]
        for name, each in same.items()
    ]
    different: dict[int, Device] = {}
    for other in first.union(*rest, all=True):
        different.setdefault(other.pk, other)
    shown = list(different.values())[:RELATED]
    return [(other, _relation(found, other)) for other in shown]


def _relation(found: Device, other: Device) -> str:
    if other.aor == found.aor:
        return gettext("same AOR, another phone or install")
    if other.instance_id == found.instance_id and found.instance_id:
        return gettext("same phone, another AOR")
    if other.by == "remote":
        return gettext("same remote token, another VoIP token")
    return gettext("same VoIP token: it shares the strikes")
