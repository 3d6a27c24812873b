"""The read model of a running or ended bulk: how far it is, a page of its rows, its file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Case, Count, QuerySet, Value, When
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from notifications.bulk_plan import lasts
from notifications.keyset import BY_COUNT, BY_ID, cut, pages, query
from notifications.models import Bulk, BulkItem
from notifications.safety import UNDO
from notifications.wording import number as shown
from notifications.wording import outcome_of

AT_ONCE = 1000
COLUMNS = ("push", "aor", "type", "result", "why", "resent_as", "state", "outcome")
DEVICE_COLUMNS = ("device", "aor", "result", "why", "push", "state", "outcome")
WAITING, STOPPED = ("info", _("Waiting")), ("mute", _("Stopped"))
LABELS = {
    "waiting": WAITING,
    "queued": ("ok", _("Resent")),
    "refused": ("hot", _("Not sent")),
    "cancelled": STOPPED,
}
#: The same where devices are tested, or their strikes reset.
OTHER_LABELS = {
    "test": {**LABELS, "queued": ("ok", _("Sent"))},
    "reset": {
        "waiting": WAITING,
        "reset": ("ok", _("Strikes reset")),
        "refused": ("mute", _("Not reset")),
        "cancelled": STOPPED,
    },
}
FILES = {"test": "test-pushes", "reset": "resets"}


#: 1 for a row that did what it was for, or still may.
DONE = Case(
    When(result__in=["refused", "cancelled"], then=Value(0)),
    default=Value(1),
)
DONE_FIRST = replace(
    BY_COUNT,
    fields=("is_done", "pk"),
    write=lambda row: f"{row.is_done}|{row.pk}",
)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the bulk, and what became of the push it sent."""

    item: BulkItem
    tone: str
    words: str


@dataclass(frozen=True, slots=True)
class Progress:
    """The whole page. `page` names the list it was chosen from."""

    bulk: Bulk
    title: str
    name: str
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
    def page(self) -> str:
        """The page of the list it was chosen from."""
        return "devices" if self.bulk.is_of_devices else "pushes"

    @property
    def is_stopped(self) -> bool:
        """A person stopped it."""
        return self.bulk.state == Bulk.State.CANCELLED

    @property
    def is_running(self) -> bool:
        """Rows still wait."""
        return self.bulk.state == Bulk.State.RUNNING


def progress(bulk: Bulk, asked, now: datetime) -> Progress:
    """How far a bulk is; `result=` in the address leaves rows of one result. Without it, what
    was done stands before what was not.
    """
    counted = bulk.items.order_by().values_list("result").annotate(n=Count("pk"))
    numbers = dict(counted)
    waiting, total = numbers.get("waiting", 0), sum(numbers.values())
    # What the dry run left out was never to be sent.
    to_send = total - numbers.get("refused", 0)
    handled = to_send - waiting - numbers.get("cancelled", 0)
    labels = _labels(bulk)
    chosen = asked.get("result", "")
    chosen = chosen if chosen in labels else ""
    rows = _rows(bulk, chosen).annotate(is_done=DONE)
    page = cut(rows, BY_ID if chosen else DONE_FIRST, asked)
    return Progress(
        bulk=bulk,
        title=_title(bulk, to_send),
        name=_name(bulk),
        counts=[(key, *labels[key], numbers.get(key, 0)) for key in labels],
        total=total,
        to_send=to_send,
        handled=handled,
        percent=100 * handled / to_send if to_send else 100.0,
        left=lasts(waiting, bulk.rate) if waiting else None,
        can_undo=bulk.state == Bulk.State.RUNNING and now < bulk.created_at + UNDO,
        rows=[_row(item, labels) for item in page.rows],
        newer=page.newer and query(result=chosen, after=page.newer),
        older=page.older and query(result=chosen, before=page.older),
        chosen=chosen,
    )


def _labels(bulk: Bulk) -> dict[str, tuple[str, str]]:
    return OTHER_LABELS.get(bulk.kind, LABELS)


def _title(bulk: Bulk, number: int) -> str:
    if bulk.kind == Bulk.Kind.TEST:
        told = ngettext(
            "Test push to %(number)s device", "Test push to %(number)s devices", number
        )
    elif bulk.kind == Bulk.Kind.RESET:
        told = ngettext(
            "Strikes of %(number)s device reset",
            "Strikes of %(number)s devices reset",
            number,
        )
    else:
        told = ngettext(
            "Resend of %(number)s push", "Resend of %(number)s pushes", number
        )
    return told % {"number": shown(number)}


def _name(bulk: Bulk) -> str:
    names = {"test": gettext("Test push %(id)s"), "reset": gettext("Reset %(id)s")}
    return names.get(bulk.kind, gettext("Resend %(id)s")) % {"id": str(bulk.pk)[:8]}


def _rows(bulk: Bulk, chosen: str) -> QuerySet[BulkItem]:
    rows = bulk.items.filter(result=chosen) if chosen else bulk.items.all()
    return rows.select_related("device", "push__device", "resend__sip_call")


def _row(item: BulkItem, labels: dict[str, tuple[str, str]]) -> Row:
    if item.resend is not None:
        return Row(item, *outcome_of(item.resend))
    return Row(item, *labels[item.result])


def file_of(bulk: Bulk) -> str:
    """The first part of the name of its file."""
    return FILES.get(bulk.kind, "resend")


def columns_of(bulk: Bulk) -> tuple[str, ...]:
    """The first line of its file."""
    return DEVICE_COLUMNS if bulk.is_of_devices else COLUMNS


def result_rows(bulk: Bulk) -> Iterator[list[tuple]]:
    """The file: one row a push or device, some at a time."""
    labels, line = _labels(bulk), _device_line if bulk.is_of_devices else _line
    for some in pages(_rows(bulk, ""), BY_ID, AT_ONCE):
        yield [line(_row(item, labels)) for item in some]


def _line(row: Row) -> tuple:
    item = row.item
    aor, push_type = item.push.device.aor, item.push_type
    return (str(item.push_id), aor, push_type, item.result, item.why, *_sent(row))


def _device_line(row: Row) -> tuple:
    item = row.item
    return (str(item.device_id), item.device.aor, item.result, item.why, *_sent(row))


def _sent(row: Row) -> tuple[str, str, str]:
    """The push that it sent, its state and what became of it."""
    push = row.item.resend
    return (str(push.pk), push.state, row.words) if push else ("", "", "")


def running(kinds: Iterable[str]) -> QuerySet[Bulk]:
    """Bulks of these kinds that run just now."""
    rows = Bulk.objects.filter(state=Bulk.State.RUNNING, kind__in=kinds)
    return rows.select_related("by")
