"""Resending many: dry run, confirmation, progress, stop, results as a file."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from notifications import audit, bulk, bulk_page
from notifications.actions import needs
from notifications.bulk_forms import BulkForm, chosen_by, kind_of, list_address
from notifications.bulk_plan import MOST, Line, Plan, lasts, plan
from notifications.exports import KINDS, as_text, one_by_one
from notifications.keyset import query
from notifications.models import Bulk
from notifications.outbox import CannotSend
from notifications.wording import number as shown

USUAL_RATE = 10


@require_safe
@login_required
@needs("resend")
def dry_run(request: HttpRequest) -> HttpResponse:
    """What would be sent of the chosen pushes, and what not and why."""
    now = timezone.now()
    found = plan(chosen_by(request.GET, now), kind_of(request.GET), now)
    return _dry_run(request, request.GET, found)


@require_POST
@login_required
@needs("resend")
def start(request: HttpRequest) -> HttpResponse:
    """Start it, when the number that was typed is the one that will be sent."""
    now = timezone.now()
    form = BulkForm(request.POST)
    asked = QueryDict(request.POST.get("asked", "")[:60_000])
    known = Bulk.objects.filter(pk=_key(request), by=request.user).first()
    if known is not None:
        return redirect("notifications:bulk", pk=known.pk)
    found = plan(chosen_by(asked, now), kind_of(request.POST), now)
    if not form.is_valid() or form.cleaned_data["typed"] != len(found.sent):
        fault = gettext("Type %(number)s to confirm: so many will be sent.")
        fault %= {"number": shown(len(found.sent))}
        return _dry_run(request, asked, found, fault)
    values = form.cleaned_data
    order = bulk.BulkOrder(
        key=values["key"],
        plan=found,
        address=list_address(asked),
        rate=values["rate"],
        by=request.user,
    )
    try:
        started = bulk.start(order, now)
    except CannotSend as refusal:
        found = plan(chosen_by(asked, now), found.kind, now)
        return _dry_run(request, asked, found, str(refusal))
    return redirect("notifications:bulk", pk=started.pk)


def _key(request: HttpRequest) -> uuid.UUID | None:
    try:
        return uuid.UUID(request.POST.get("key", ""))
    except ValueError:
        return None


def _dry_run(
    request: HttpRequest, asked: QueryDict, found: Plan, fault: str = ""
) -> HttpResponse:
    number = len(found.sent)
    context = {
        "page": "pushes",
        "plan": found,
        "sendable": number,
        "percent": 100 * number / len(found.lines) if found.lines else 0,
        "chosen": _chosen(asked),
        "asked": asked.urlencode(),
        "address": query(**dict(_lists(asked)), kind=found.kind),
        "kinds": Bulk.Kind.choices,
        "rates": [(rate, lasts(number, rate)) for rate in bulk.RATES],
        "usual_rate": USUAL_RATE,
        "key": uuid.uuid4(),
        "most": MOST,
        "fault": fault,
    }
    status = 422 if fault else 200
    return render(request, "notifications/bulk_dry_run.html", context, status=status)


def _lists(asked: QueryDict) -> list[tuple[str, list[str]]]:
    """Every name of the address with its values, but how to send."""
    return [(name, values) for name, values in asked.lists() if name != "kind"]


def _chosen(asked: QueryDict) -> list[tuple[str, str]]:
    """The same, a pair a value."""
    return [(name, value) for name, values in _lists(asked) for value in values]


@require_safe
@login_required
@needs("resend")
def progress(request: HttpRequest, pk) -> HttpResponse:
    """How far a bulk is, with a result a row."""
    found = get_object_or_404(Bulk.objects.select_related("by"), pk=pk)
    page = bulk_page.progress(found, request.GET, timezone.now())
    context = {"page": "pushes", "progress": page}
    return render(request, "notifications/bulk.html", context)


@require_POST
@login_required
@needs("resend")
def cancel(request: HttpRequest, pk) -> HttpResponse:
    """Stop a bulk: what still waits is not sent."""
    found = get_object_or_404(Bulk, pk=pk)
    number = bulk.cancel(found, request.user, timezone.now())
    if number is None:
        messages.error(request, gettext("It had ended before."))
    else:
        told = gettext("Stopped. %(number)s were not sent.")
        messages.success(request, told % {"number": shown(number)})
    return redirect("notifications:bulk", pk=pk)


@require_safe
@login_required
@needs("resend")
def left_out(request: HttpRequest) -> HttpResponse:
    """What the dry run leaves out and why, as CSV."""
    now = timezone.now()
    found = plan(chosen_by(request.GET, now), kind_of(request.GET), now)
    audit.note(request.user, "export.bulk", "dry run", now)
    return _csv(
        "left-out.csv",
        ("push", "aor", "type", "why"),
        iter([[_left_out(line) for line in found.left_out]]),
    )


def _left_out(line: Line) -> tuple:
    return str(line.push.pk), line.push.device.aor, line.push_type, line.why


def _csv(name: str, columns: tuple, rows: Iterator[list[tuple]]) -> HttpResponse:
    return StreamingHttpResponse(
        one_by_one(as_text("csv", columns, rows)),
        content_type=KINDS["csv"],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@require_safe
@login_required
@needs("resend")
def results(request: HttpRequest, pk) -> HttpResponse:
    """A result a row, as CSV."""
    found = get_object_or_404(Bulk, pk=pk)
    audit.note(request.user, "export.bulk", str(pk), timezone.now())
    rows = bulk_page.result_rows(found)
    return _csv(f"resend-{str(pk)[:8]}.csv", bulk_page.COLUMNS, rows)
