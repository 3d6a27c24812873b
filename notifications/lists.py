"""Read models of the lists: filters, keyset pages, failures, search."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Count, Prefetch, Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from notifications.apns import REASONS
from notifications.fleet import feed_row
from notifications.models import App, AuditEntry, Call, Ledger, Push
from registrations.models import Device, Environment, Holding, PushToken

PAGE = 50
SPANS = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list: rows, the address of the next one, the filters as chosen."""

    rows: list
    next: str
    filters: dict[str, str]
    choices: dict[str, list[tuple[str, str]]]
    total: int
    is_filtered: bool


def query(**values: str) -> str:
    """A query string of what is not empty."""
    return urlencode({key: value for key, value in values.items() if value})


def _chosen(asked, names: tuple[str, ...]) -> dict[str, str]:
    return {name: words(asked.get(name, "")) for name in names}


def words(text: str) -> str:
    """What was typed into an address, as text PostgreSQL can compare with."""
    return text.replace("\x00", "").strip()[:200]


def devices(asked, now: datetime) -> Page:
    """Devices, the newest first; keyset by id."""
    filters = _chosen(asked, ("q", "state", "env", "app"))
    rows = _devices_matching(filters)
    before = asked.get("before", "")
    page = rows.filter(pk__lt=int(before)) if before.isdecimal() else rows
    held = Holding.objects.filter(current=True).select_related(
        "token__ledger", "token__health"
    )
    page = page.order_by("-pk").prefetch_related(Prefetch("holdings", held, "held"))
    found = list(page[: PAGE + 1])
    shown = [_device_row(device, now) for device in found[:PAGE]]
    more = query(**filters, before=str(found[PAGE - 1].pk)) if len(found) > PAGE else ""
    choices = {
        "state": Ledger.State.choices,
        "env": Environment.choices,
        "app": [(app.bundle_id, app.name) for app in App.objects.all()],
    }
    return Page(
        shown, more, filters, choices, Device.objects.count(), any(filters.values())
    )


def _devices_matching(filters: dict[str, str]) -> QuerySet[Device]:
    rows = Device.objects.all()
    if filters["q"]:
        rows = rows.filter(_device_named(filters["q"]))
    if filters["state"]:
        state = Q(
            holdings__current=True, holdings__token__ledger__state=filters["state"]
        )
        rows = rows.filter(state).distinct()
    if filters["env"]:
        rows = rows.filter(environment=filters["env"])
    if filters["app"]:
        rows = rows.filter(bundle_id=filters["app"])
    return rows


def _device_named(text: str) -> Q:
    """AOR or a part of it, an instance-id, a token or its first or last characters."""
    token = text.lower()
    tokens = Holding.objects.filter(
        Q(token__token__startswith=token) | Q(token__token__endswith=token)
    )
    named = Q(aor__icontains=text) | Q(instance_id__icontains=text)
    if len(text) < 4:
        return named
    return named | Q(pk__in=tokens.values("device"))


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A device as the list shows it."""

    device: Device
    is_bound: bool
    voip: PushToken | None
    remote: PushToken | None
    ledger: Ledger | None


def _device_row(device: Device, now: datetime) -> DeviceRow:
    tokens = {holding.token.kind: holding.token for holding in device.held}
    voip = tokens.get("voip")
    is_over = device.expires_at is not None and device.expires_at <= now
    return DeviceRow(
        device,
        device.bound and not is_over,
        voip,
        tokens.get("remote"),
        getattr(voip, "ledger", None) if voip else None,
    )


def pushes(asked) -> Page:
    """Pushes, the newest first; keyset by moment and id."""
    filters = _chosen(asked, ("type", "state", "verdict", "reason", "origin"))
    columns = {
        "type": "push_type",
        "state": "state",
        "verdict": "sip_call__verdict",
        "reason": "reason",
        "origin": "origin",
    }
    rows = Push.objects.select_related("device", "token", "app", "sip_call")
    for name, value in filters.items():
        if value:
            rows = rows.filter(**{columns[name]: value})
    found = list(_older(rows, asked.get("before", ""))[: PAGE + 1])
    more = ""
    if len(found) > PAGE:
        last = found[PAGE - 1]
        more = query(**filters, before=f"{last.created_at.isoformat()}|{last.pk}")
    choices = {
        "type": Push.Type.choices,
        "state": Push.State.choices,
        "verdict": Call.Verdict.choices,
        "origin": Push.Origin.choices,
    }
    shown = [feed_row(push) for push in found[:PAGE]]
    return Page(shown, more, filters, choices, len(shown), any(filters.values()))


def _older(rows: QuerySet[Push], before: str) -> QuerySet[Push]:
    rows = rows.order_by("-created_at", "-pk")
    moment, _, pk = before.partition("|")
    try:
        at, last = datetime.fromisoformat(moment), UUID(pk)
    except ValueError:
        return rows
    if timezone.is_naive(at):
        return rows
    return rows.filter(Q(created_at__lt=at) | Q(created_at=at, pk__lt=last))


def failures(asked, now: datetime) -> dict:
    """Failed pushes by reason, the newest ones, and what people did."""
    span = asked.get("span", "24h")
    span = span if span in SPANS else "24h"
    failed = Push.objects.filter(
        state__in=["rejected", "unknown", "failed", "expired"],
        ended_at__gte=now - SPANS[span],
    )
    counted = failed.values("state", "reason").annotate(
        number=Count("pk"), devices=Count("device", distinct=True)
    )
    newest = failed.select_related("device", "token", "app", "sip_call")
    return {
        "span": span,
        "spans": list(SPANS),
        "reasons": [_reason(row) for row in counted.order_by("-number")],
        "total": failed.count(),
        "all_pushes": Push.objects.filter(created_at__gte=now - SPANS[span]).count(),
        "failed": [feed_row(push) for push in newest.order_by("-ended_at")[:PAGE]],
        "activity": AuditEntry.objects.all()[:PAGE],
    }


def _reason(row: dict) -> dict:
    known = REASONS.get(row["reason"])
    return row | {
        "name": row["reason"] or row["state"],
        "status": known.status if known else "",
        "meaning": known.meaning if known else _meaning_of(row["state"]),
        "remedy": known.remedy if known else "Open one of them: its attempts say more.",
    }


def _meaning_of(state: str) -> str:
    return {
        "unknown": "It left the house and no answer came: Apple may have taken it.",
        "failed": "It could not be sent, and surely was not.",
        "expired": "Its life was over before it could be sent.",
    }.get(state, "APNs refused it without a reason we know.")


def find(text: str) -> str | None:
    """The address of the one thing this text names, or None."""
    if not text:
        return None
    push = _push_named(text)
    if push is not None:
        return reverse("notifications:push", args=[push.pk])
    found = list(Device.objects.filter(_device_named(text))[:2])
    if len(found) != 1:
        return None
    return reverse("notifications:device", args=[found[0].pk])


def _push_named(text: str) -> Push | None:
    """By its id, which is the apns-id too, or the newest of a Call-ID."""
    try:
        found = Push.objects.filter(pk=UUID(text)).first()
    except ValueError:
        found = None
    of_call = Push.objects.filter(call_id=text).order_by("-created_at")
    return found or of_call.first()
