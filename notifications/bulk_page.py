"""The read model of a running or ended bulk: how far it is, a page of its rows, its file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, QuerySet
from django.utils.translation import gettext_lazy as _

from notifications.bulk_plan import lasts
from notifications.keyset import BY_ID, cut, pages, query
from notifications.models import Bulk, BulkItem
from notifications.resend import UNDO
from notifications.wording import outcome_of

AT_ONCE = 1000
COLUMNS = ("push", "aor", "type", "result", "why", "resent_as", "state", "outcome")
LABELS = {
    "waiting": ("info", _("Waiting")),
    "queued": ("ok", _("Resent")),
    "refused": ("hot", _("Not sent")),
    "cancelled": ("mute", _("Stopped")),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One push of the bulk, and what became of its resend."""

    item: BulkItem
    tone: str
    words: str


@dataclass(frozen=True, slots=True)
class Progress:
    """The whole page."""

    bulk: Bulk
    counts: list[tuple[str, str, str, int]]
    total: int
    to_send: int
    handled: int
    percent: float
    left: timedelta | None
    can_undo: bool
    rows: list[Row]
    newer: str
    older: str
    chosen: str

    @property
    def is_running(self) -> bool:
        """Rows still wait."""
        return self.bulk.state == Bulk.State.RUNNING


def progress(bulk: Bulk, asked, now: datetime) -> Progress:
    """How far a bulk is; `result=` in the address leaves rows of one result."""
    counted = bulk.items.order_by().values_list("result").annotate(n=Count("pk"))
    numbers = dict(counted)
    waiting, total = numbers.get("waiting", 0), sum(numbers.values())
    # What the dry run left out was never to be sent.
    to_send = total - numbers.get("refused", 0)
    handled = to_send - waiting
    chosen = asked.get("result", "")
    chosen = chosen if chosen in LABELS else ""
    page = cut(_rows(bulk, chosen), BY_ID, asked)
    return Progress(
        bulk=bulk,
        counts=[(key, *LABELS[key], numbers.get(key, 0)) for key in LABELS],
        total=total,
        to_send=to_send,
        handled=handled,
        percent=100 * handled / to_send if to_send else 100.0,
        left=lasts(waiting, bulk.rate) if waiting else None,
        can_undo=bulk.state == Bulk.State.RUNNING and now < bulk.created_at + UNDO,
        rows=[_row(item) for item in page.rows],
        newer=page.newer and query(result=chosen, after=page.newer),
        older=page.older and query(result=chosen, before=page.older),
        chosen=chosen,
    )


def _rows(bulk: Bulk, chosen: str) -> QuerySet[BulkItem]:
    rows = bulk.items.filter(result=chosen) if chosen else bulk.items.all()
    return rows.select_related("push__device", "resend__sip_call")


def _row(item: BulkItem) -> Row:
    if item.resend is not None:
        return Row(item, *outcome_of(item.resend))
    return Row(item, *LABELS[item.result])


def result_rows(bulk: Bulk) -> Iterator[list[tuple]]:
    """The file: one row a push, some at a time."""
    for some in pages(_rows(bulk, ""), BY_ID, AT_ONCE):
        yield [_line(_row(item)) for item in some]


def _line(row: Row) -> tuple:
    item, resend = row.item, row.item.resend
    return (
        str(item.push_id),
        item.push.device.aor,
        item.push_type,
        item.result,
        item.why,
        str(resend.pk) if resend else "",
        resend.state if resend else "",
        row.words if resend else "",
    )


def running() -> QuerySet[Bulk]:
    """Bulks that run just now."""
    return Bulk.objects.filter(state=Bulk.State.RUNNING).select_related("by")
