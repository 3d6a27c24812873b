"""The dry run and start of a resend of many pushes; progress, stop and results of any bulk."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from notifications import audit, bulk, bulk_confirming, bulk_page
from notifications.actions import needs
from notifications.bulk_confirming import Choice, as_csv
from notifications.bulk_forms import chosen_by, kind_of, list_address
from notifications.bulk_plan import Line, Plan, plan
from notifications.models import Bulk
from notifications.wording import number as shown


def _plan(asked: QueryDict, kind: str, now) -> Plan:
    return plan(chosen_by(asked, now), kind, now)


def _left_out(line: Line) -> tuple:
    return str(line.push.pk), line.push.device.aor, line.push_type, line.why


PUSHES = Choice(
    page="pushes",
    kinds=Bulk.RESENDS,
    plan=_plan,
    address=list_address,
    template="notifications/bulk_dry_run.html",
    columns=("push", "aor", "type", "why"),
    left_out=_left_out,
)


@require_safe
@login_required
@needs("resend")
def dry_run(request: HttpRequest) -> HttpResponse:
    """What would be sent of the chosen pushes, and what not and why."""
    return bulk_confirming.dry_run(request, PUSHES, kind_of(request.GET))


@require_POST
@login_required
@needs("resend")
def start(request: HttpRequest) -> HttpResponse:
    """Start it, when the number that was typed is the one that will be sent."""
    return bulk_confirming.start(request, PUSHES, kind_of(request.POST))


@require_safe
@login_required
@needs("resend")
def progress(request: HttpRequest, pk) -> HttpResponse:
    """How far a bulk is, with a result a row."""
    found = get_object_or_404(Bulk.objects.select_related("by"), pk=pk)
    page = bulk_page.progress(found, request.GET, timezone.now())
    context = {"page": page.page, "progress": page}
    return render(request, "notifications/bulk.html", context)


@require_POST
@login_required
@needs("resend")
def cancel(request: HttpRequest, pk) -> HttpResponse:
    """Stop a bulk: what still waits is not done."""
    found = get_object_or_404(Bulk, pk=pk)
    number = bulk.cancel(found, request.user, timezone.now())
    if number is None:
        messages.error(request, gettext("It had ended before."))
    else:
        messages.success(request, _stopped(found, number))
    return redirect("notifications:bulk", pk=pk)


def _stopped(found: Bulk, number: int) -> str:
    told = gettext("Stopped. %(number)s were not sent.")
    if found.kind == Bulk.Kind.RESET:
        told = gettext("Stopped. %(number)s were not reset.")
    return told % {"number": shown(number)}


@require_safe
@login_required
@needs("resend")
def left_out(request: HttpRequest) -> HttpResponse:
    """What the dry run leaves out and why, as CSV."""
    return bulk_confirming.left_out(request, PUSHES, kind_of(request.GET))


@require_safe
@login_required
@needs("resend")
def results(request: HttpRequest, pk) -> HttpResponse:
    """A result a row, as CSV."""
    found = get_object_or_404(Bulk, pk=pk)
    audit.note(request.user, "export.bulk", str(pk), timezone.now())
    name = f"{bulk_page.file_of(found)}-{str(pk)[:8]}.csv"
    return as_csv(name, bulk_page.columns_of(found), bulk_page.result_rows(found))
