"""The read model of the Devices page: tabs, search, filters, a page of rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Prefetch, Q, QuerySet

from notifications.filters import Chip, Menu, chips_of, menus_of
from notifications.fleet import FeedRow, feed_row
from notifications.keyset import BY_ID, capped, cut, query, words
from notifications.models import App, Ledger, Push, TokenHealth
from notifications.wording import rules_in_words
from registrations.models import Device, Environment, Feed, Holding, PushToken

UNSEEN = timedelta(hours=24)
TABS = (
    ("", "All"),
    ("risk", "At risk"),
    ("invalid", "Token refused"),
    ("unseen", "Not seen for 24 h"),
    ("problems", "With problems"),
)
STRIKES = {"1": "1 or more", "2": "2 or more", "3": "3 or more"}
BOUND = {"yes": "yes", "no": "no"}


@dataclass(frozen=True, slots=True)
class Tab:
    """A view of the list with how many rows it has."""

    label: str
    number: int
    address: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A device as the list shows it."""

    device: Device
    is_bound: bool
    voip: PushToken | None
    remote: PushToken | None
    ledger: Ledger | None
    last: FeedRow | None


@dataclass(frozen=True, slots=True)
class Devices:
    """The whole page."""

    rows: list[DeviceRow]
    newer: str
    older: str
    tabs: list[Tab]
    chips: list[Chip]
    menus: list[Menu]
    chosen: dict[str, str]
    known: int
    registered: int
    rules: str
    assuming: list[Feed]


def devices(asked, now: datetime) -> Devices:
    """Devices, the newest first."""
    names = ("view", "q", "state", "strikes", "token", "bound", "env", "app")
    chosen = {name: words(asked.get(name, "")) for name in names}
    labels = _labels()
    everyone = Device.objects.all()
    rows = _viewed(_matching(everyone, chosen, now), chosen["view"], now)
    held = Holding.objects.filter(current=True).select_related(
        "token__ledger", "token__health"
    )
    page = cut(rows.prefetch_related(Prefetch("holdings", held, "held")), BY_ID, asked)
    last = _last_pushes(page.rows)
    return Devices(
        rows=[_row(device, last.get(device.pk), now) for device in page.rows],
        newer=page.newer and query(**chosen, after=page.newer),
        older=page.older and query(**chosen, before=page.older),
        tabs=_tabs(chosen, now),
        chips=chips_of(chosen, labels),
        menus=menus_of(chosen, labels),
        chosen=chosen,
        known=capped(everyone),
        registered=capped(everyone.bound_at(now)),
        rules=rules_in_words(App.objects.all()),
        assuming=list(Feed.objects.filter(enabled=True, has_assumed=True)),
    )


def _labels() -> dict[str, dict[str, str]]:
    """What each filter and its values are called; the filter itself under ""."""
    apps = {app.bundle_id: app.name for app in App.objects.all()}
    return {
        "q": {"": "Search"},
        "state": {"": "State", **dict(Ledger.State.choices)},
        "strikes": {"": "Strikes", **STRIKES},
        "token": {"": "VoIP token", **dict(TokenHealth.State.choices)},
        "bound": {"": "Registered", **BOUND},
        "env": {"": "Environment", **dict(Environment.choices)},
        "app": {"": "App", **apps},
    }


def _matching(rows: QuerySet[Device], chosen: dict, now: datetime) -> QuerySet[Device]:
    if chosen["q"]:
        rows = rows.filter(named(chosen["q"]))
    held = Q()
    if chosen["state"]:
        held &= Q(token__ledger__state=chosen["state"])
    if chosen["strikes"] in STRIKES:
        held &= Q(token__ledger__strikes__gte=int(chosen["strikes"]))
    if chosen["token"]:
        held &= Q(token__kind="voip", token__health__state=chosen["token"])
    if held:
        rows = rows.filter(pk__in=_holders(held))
    if chosen["bound"] in BOUND:
        bound = Device.objects.bound_at(now).values("pk")
        is_bound = Q(pk__in=bound)
        rows = rows.filter(is_bound if chosen["bound"] == "yes" else ~is_bound)
    if chosen["env"]:
        rows = rows.filter(environment=chosen["env"])
    return rows.filter(bundle_id=chosen["app"]) if chosen["app"] else rows


def _holders(held: Q) -> QuerySet:
    return Holding.objects.filter(held, current=True).values("device")


def _viewed(rows: QuerySet[Device], view: str, now: datetime) -> QuerySet[Device]:
    if view == "risk":
        risky = Q(token__ledger__state__in=["not_waking", "suspected"])
        return rows.filter(pk__in=_holders(risky))
    if view == "invalid":
        states = ["retired", "quarantined", "wrong_topic"]
        return rows.filter(pk__in=_holders(Q(token__health__state__in=states)))
    if view == "unseen":
        return rows.filter(last_seen_at__lt=now - UNSEEN)
    return rows.exclude(problems=[]) if view == "problems" else rows


def _tabs(chosen: dict[str, str], now: datetime) -> list[Tab]:
    rows = Device.objects.all()
    return [
        Tab(label, capped(_viewed(rows, view, now)), query(view=view), view == here)
        for here in [chosen["view"] if chosen["view"] in dict(TABS) else ""]
        for view, label in TABS
    ]


def named(text: str) -> Q:
    """AOR or a part of it, an instance-id, a token or its first or last characters."""
    found = Q(aor__icontains=text) | Q(instance_id__icontains=text)
    if len(text) < 4:
        return found
    first, _, end = text.lower().partition("…")
    ends = Q(token__token__endswith=end or first) if len(end or first) >= 4 else Q()
    starts = Q(token__token__startswith=first)
    tokens = Holding.objects.filter(starts & ends if end else starts | ends)
    return found | Q(pk__in=tokens.values("device"))


def _last_pushes(shown: list[Device]) -> dict[int, FeedRow]:
    """device → its newest VoIP push with what became of it."""
    rows = Push.objects.filter(device__in=[device.pk for device in shown])
    newest = rows.filter(push_type=Push.Type.VOIP).order_by("device_id", "-created_at")
    found = newest.distinct("device_id").select_related("sip_call", "device")
    return {push.device_id: feed_row(push) for push in found}


def _row(device: Device, last: FeedRow | None, now: datetime) -> DeviceRow:
    tokens = {holding.token.kind: holding.token for holding in device.held}
    voip = tokens.get("voip")
    is_over = device.expires_at is not None and device.expires_at <= now
    return DeviceRow(
        device,
        device.bound and not is_over,
        voip,
        tokens.get("remote"),
        getattr(voip, "ledger", None) if voip else None,
        last,
    )
