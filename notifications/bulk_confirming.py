"""From the dry run of a bulk to its start, the same way for pushes and for devices."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext

from notifications import audit, bulk
from notifications.bulk_forms import BulkForm
from notifications.bulk_plan import MOST, Line, Plan, lasts
from notifications.exports import KINDS, as_text, one_by_one
from notifications.keyset import query
from notifications.models import Bulk
from notifications.outbox import CannotSend
from notifications.way_back import NAME, way_back
from notifications.wording import number as shown

USUAL_RATE = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A list to choose from: its page, what may be done to its rows, how they are planned."""

    page: str
    kinds: tuple[Bulk.Kind, ...]
    plan: Callable[[QueryDict, str, datetime], Plan]
    address: Callable[[QueryDict], str]
    template: str
    #: Of the file of what a dry run leaves out: its first line, and the line of each.
    columns: tuple[str, ...]
    left_out: Callable[[Line], tuple]


def dry_run(request: HttpRequest, choice: Choice, kind: str) -> HttpResponse:
    """What would be done, and what not and why."""
    found = choice.plan(request.GET, kind, timezone.now())
    return _dry_run(request, choice, request.GET, found)


def start(request: HttpRequest, choice: Choice, kind: str) -> HttpResponse:
    """Start it, when the number that was typed is the one that will be done."""
    now = timezone.now()
    form = BulkForm(request.POST)
    asked = QueryDict(request.POST.get("asked", "")[:60_000])
    known = Bulk.objects.filter(pk=_key(request), by=request.user).first()
    if known is not None:
        return redirect("notifications:bulk", pk=known.pk)
    found = choice.plan(asked, kind, now)
    faults = _faults(form, len(found.sent))
    if faults:
        return _dry_run(request, choice, asked, found, faults)
    values = form.cleaned_data
    order = bulk.BulkOrder(
        key=values["key"],
        plan=found,
        address=choice.address(asked),
        rate=values["rate"],
        by=request.user,
        reason=values["reason"],
    )
    try:
        started = bulk.start(order, now)
    except CannotSend as refusal:
        found = choice.plan(asked, kind, now)
        return _dry_run(request, choice, asked, found, {"typed": str(refusal)})
    return redirect("notifications:bulk", pk=started.pk)


def left_out(request: HttpRequest, choice: Choice, kind: str) -> HttpResponse:
    """What the dry run leaves out and why, as CSV."""
    now = timezone.now()
    found = choice.plan(request.GET, kind, now)
    audit.note(request.user, "export.bulk", "dry run", now)
    rows = iter([[choice.left_out(line) for line in found.left_out]])
    return as_csv("left-out.csv", choice.columns, rows)


def as_csv(name: str, columns: tuple, rows: Iterator[list[tuple]]) -> HttpResponse:
    """A file of rows, streamed."""
    return StreamingHttpResponse(
        one_by_one(as_text("csv", columns, rows)),
        content_type=KINDS["csv"],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _faults(form: BulkForm, number: int) -> dict[str, str]:
    """What is wrong with which field, in words."""
    faults = {}
    if form.errors.get("reason"):
        faults["reason"] = form.errors["reason"][0]
    others = set(form.errors) - {"reason"}
    if others or form.cleaned_data["typed"] != number:
        told = gettext("Type %(number)s to confirm.") % {"number": shown(number)}
        none = gettext("Nothing of it is left to do. The reasons stand above.")
        faults["typed"] = told if number else none
    return faults


def _key(request: HttpRequest) -> uuid.UUID | None:
    try:
        return uuid.UUID(request.POST.get("key", ""))
    except ValueError:
        return None


def _dry_run(
    request: HttpRequest,
    choice: Choice,
    asked: QueryDict,
    found: Plan,
    faults: dict[str, str] | None = None,
) -> HttpResponse:
    number = len(found.sent)
    back, back_name = way_back(asked, choice.page, query(**_filters(asked)))
    context = {
        "page": choice.page,
        "plan": found,
        "sendable": number,
        "percent": 100 * number / len(found.lines) if found.lines else 0,
        "chosen": _chosen(asked),
        "asked": asked.urlencode(),
        "address": query(**dict(_lists(asked)), kind=found.kind),
        "back": back,
        "back_name": back_name,
        "kinds": [(kind.value, kind.label) for kind in choice.kinds],
        "rates": [(rate, lasts(number, rate)) for rate in bulk.RATES],
        "usual_rate": USUAL_RATE,
        "key": uuid.uuid4(),
        "most": MOST,
        "faults": faults or {},
        "reason": request.POST.get("reason", ""),
    }
    status = 422 if faults else 200
    return render(request, choice.template, context, status=status)


def _lists(asked: QueryDict) -> list[tuple[str, list[str]]]:
    """Every name of the address with its values, but what to do."""
    return [(name, values) for name, values in asked.lists() if name != "kind"]


def _filters(asked: QueryDict) -> dict[str, list[str]]:
    """Those of the list it was chosen from."""
    chosen = {"all", "push", "device", NAME}
    return {name: values for name, values in _lists(asked) if name not in chosen}


def _chosen(asked: QueryDict) -> list[tuple[str, str]]:
    """The same, a pair a value."""
    return [(name, value) for name, values in _lists(asked) for value in values]
