"""The read model of the Devices page: tabs, search, filters, a page of rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from django.db.models import Exists, F, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.at_once import Question, different, up_to_limit
from notifications.bulk_page import running
from notifications.device_terms import AGENTS, LABELS, REFUSED, fitting, kinds
from notifications.display import Display, Order, display_of
from notifications.filters import ALL, Chip, Choice, Menu
from notifications.fleet import FeedRow, feed_row
from notifications.kept_counts import counts
from notifications.keyset import BY_ID, BY_NAME, BY_SEEN, BY_STRIKES, cut, query, words
from notifications.models import App, Bulk, Ledger, Push, TokenHealth
from notifications.terms import Kind, Query, Term, proposed, read_query, written
from notifications.wording import rules_in_words
from registrations.models import Among, Device, Feed, Holding, PushToken

Link = Callable[..., str]
#: So many devices at most are put in an order that no index has.
PUT_IN_ORDER = 4_000
#: Of a device that was never seen.
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def with_name(rows: QuerySet[Device]) -> QuerySet[Device]:
    """`name`: the AOR as people look for it, in the order of the index that finds it."""
    return rows.annotate(name=F("aor__name"))


def with_seen(rows: QuerySet[Device]) -> QuerySet[Device]:
    """`seen`: when each was seen last. No index has it: each REGISTER would rewrite all of
    them.
    """
    return rows.annotate(seen=Coalesce("last_seen_at", NEVER))


def with_strikes(rows: QuerySet[Device]) -> QuerySet[Device]:
    """`strikes` of the token of each that has most, with its `place` among all ledgers; only
    devices that have some.
    """
    held = Holding.objects.filter(device=OuterRef("pk"), current=True)
    more = held.filter(
        Q(token__ledger__strikes__gt=OuterRef("strikes"))
        | Q(token__ledger__strikes=OuterRef("strikes"), token__gt=OuterRef("place"))
    )
    # One filter: all of it is said of one holding.
    ledger = "holdings__token__ledger"
    struck = rows.filter(holdings__current=True, **{f"{ledger}__strikes__gt": 0})
    placed = struck.annotate(
        strikes=F(f"{ledger}__strikes"), place=F(f"{ledger}__token")
    )
    return placed.filter(~Exists(more))


REFUSED_TOKEN = "token:invalid"
#: Each tab is a query.
TABS = (
    ("", _("All")),
    ("state:not_waking state:suspected", _("At risk")),
    (REFUSED_TOKEN, _("Token refused")),
    ("seen:>24h", _("Not seen for 24 h")),
    ("problem:any", _("With problems")),
)
#: Filters of Pushes, where they are typed here.
OF_PUSHES = dict.fromkeys(
    ("type", "outcome", "reason", "origin", "at", "hour"), _("Pushes")
)
ORDERS = {
    "newest": Order(_("Newest first"), BY_ID, _("Newer"), _("Older")),
    "oldest": Order(_("Oldest first"), replace(BY_ID, is_ascending=True)),
    "aor": Order(
        _("AOR, A to Z"), BY_NAME, rows=with_name, slow_beside=frozenset(AGENTS)
    ),
    "aor_down": Order(
        _("AOR, Z to A"),
        replace(BY_NAME, is_ascending=False),
        rows=with_name,
        slow_beside=frozenset(AGENTS),
    ),
    "seen": Order(_("Last seen first"), BY_SEEN, rows=with_seen, is_slow=True),
    "unseen": Order(
        _("Longest unseen first"),
        replace(BY_SEEN, is_ascending=True),
        rows=with_seen,
        is_slow=True,
    ),
    "strikes": Order(
        _("Most strikes first (those with any)"), BY_STRIKES, rows=with_strikes
    ),
}
#: The columns that may be hidden; the device itself stays.
COLUMNS = {
    "app": _("App and version"),
    "voip": _("VoIP token"),
    "remote": _("Remote token"),
    "seen": _("Last REGISTER"),
    "expires": _("Expires"),
    "strikes": _("Strikes"),
    "last": _("Last VoIP push"),
}


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
    q: str
    address: str
    faults: tuple[str, ...]
    known: int
    registered: int
    #: How many there are, where that was counted for a tab.
    matching: int | None
    running: list[Bulk]
    rules: str
    assuming: list[Feed]
    display: Display
    #: Only so many of the newest are in this order; the address that has all of them.
    put_in_order: int
    whole: str
    kept: list[tuple[str, str]]
    terms: list[tuple[str, str]]


def devices(asked, now: datetime) -> Devices:
    """Devices, the newest first or as the address says."""
    display = display_of(asked, ORDERS, COLUMNS)
    apps = list(App.objects.all())
    known = kinds(apps)
    q = words(asked.get("q", ""))
    wanted = read_query(q, known, OF_PUSHES)
    is_slow = display.order.is_slow_beside(term.name for term in wanted.terms)
    is_whole = asked.get("whole") == "1" and is_slow
    link = partial(query, **display.address, whole="1" if is_whole else "")
    everyone = Device.objects.all()
    rows = fitting(everyone, wanted, now)
    newest = _newest(rows) if is_slow and not is_whole else None
    if newest is not None:
        # Found once: to be put in order, and to see whether there are more.
        rows = everyone.filter(Among(F("pk"), newest[:PUT_IN_ORDER]))
    held = Holding.objects.filter(current=True).select_related(
        "token__ledger", "token__health"
    )
    rows = rows.prefetch_related(Prefetch("holdings", held, "held"))
    rows = display.order.rows(rows)
    page = cut(rows, display.order.key, asked, display.size)
    last = _last_pushes(page.rows)
    numbers = _numbers(known, now)
    return Devices(
        rows=[_row(device, last.get(device.pk), now) for device in page.rows],
        newer=page.newer and link(q=q, after=page.newer),
        older=page.older and link(q=q, before=page.older),
        tabs=_tabs(q, numbers, link),
        chips=[_chip(term, wanted, known, link) for term in wanted.terms],
        menus=_menus(q, wanted, known, link),
        q=q,
        address=query(q=q),
        faults=wanted.faults,
        known=numbers[""],
        registered=numbers["bound:yes"],
        matching=numbers.get(q),
        running=list(running(Bulk.OF_DEVICES)),
        rules=rules_in_words(apps),
        assuming=list(_assuming()) if numbers["assuming"] else [],
        display=display,
        put_in_order=PUT_IN_ORDER,
        whole=query(**display.address, q=q, whole="1") if _is_cut(newest) else "",
        kept=[("q", q)],
        terms=proposed(known),
    )


def _newest(rows: QuerySet[Device]) -> list[int]:
    """`PUT_IN_ORDER` of them and one more, where there are so many."""
    pks = BY_ID.ordered(rows).values_list("pk", flat=True)
    return list(pks[: PUT_IN_ORDER + 1])


def _is_cut(newest: list[int] | None) -> bool:
    return newest is not None and len(newest) > PUT_IN_ORDER


def _chip(term: Term, asked: Query, known: dict[str, Kind], link: Link) -> Chip:
    choices = known[term.name].choices if term.name else {}
    typed = term.written.partition(":")[2].strip('"') if term.name else term.value
    value = choices.get(typed, typed)
    name = LABELS[term.name]
    name = gettext("Not %(name)s") % {"name": name} if term.is_not else name
    return Chip(name, value, link(q=asked.without(term)) or ALL)


def _menus(q: str, asked: Query, known: dict[str, Kind], link: Link) -> list[Menu]:
    """The filters not in use that have values to propose."""
    used = {term.name for term in asked.terms}
    return [
        Menu(
            LABELS[name],
            [_choice(q, name, *each, link) for each in kind.choices.items()],
        )
        for name, kind in known.items()
        if kind.choices and name not in used
    ]


def _choice(q: str, name: str, value: str, label: str, link: Link) -> Choice:
    return Choice(label, link(q=f"{q} {written(name, value)}".strip()))


def _numbers(known: dict[str, Kind], now: datetime) -> dict[str, int]:
    """How many rows each tab has, how many devices are bound, how many feeds assume."""
    views = [view for view, _ in TABS] + ["bound:yes"]
    asked = {view: partial(_number, view, known, now) for view in views}
    return counts(asked | {"assuming": lambda: up_to_limit(_assuming())}, now)


def _assuming() -> QuerySet[Feed]:
    return Feed.objects.filter(enabled=True, has_assumed=True)


def _number(view: str, known: dict[str, Kind], now: datetime) -> Question:
    if view == REFUSED_TOKEN:
        # Each token leads to its device: sooner than to look at every device for its tokens.
        refused = TokenHealth.objects.filter(state__in=REFUSED).values("token")
        held = Holding.objects.filter(current=True, token__in=refused).order_by()
        return different(held.values("device_id"), "device_id")
    return up_to_limit(fitting(Device.objects.all(), read_query(view, known), now))


def _tabs(q: str, numbers: dict[str, int], link: Link) -> list[Tab]:
    return [
        Tab(label, numbers[view], link(q=view) or ALL, view == q)
        for view, label in TABS
    ]


def _last_pushes(shown: list[Device]) -> dict[int, FeedRow]:
    """device → its newest VoIP push with what became of it."""
    voip = Push.objects.filter(device=OuterRef("pk"), push_type=Push.Type.VOIP)
    newest = voip.order_by("-created_at").values("pk")[:1]
    ids = Device.objects.filter(pk__in=[device.pk for device in shown])
    # One look into the index a device, however many pushes it was sent.
    found = Push.objects.filter(pk__in=ids.order_by().values(last=Subquery(newest)))
    rows = found.select_related("sip_call", "device")
    return {push.device_id: feed_row(push) for push in rows}


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
