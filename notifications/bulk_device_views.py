"""Many devices at once: dry run and start of remote test pushes, or of resets of strikes."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.views.decorators.http import require_POST, require_safe

from notifications import bulk_confirming
from notifications.actions import needs
from notifications.bulk_confirming import Choice
from notifications.bulk_devices import plan_of
from notifications.bulk_forms import (
    devices_address,
    devices_chosen_by,
    kind_of_devices,
)
from notifications.bulk_plan import Line, Plan
from notifications.models import Bulk


def _plan(asked: QueryDict, kind: str, now) -> Plan:
    return plan_of(devices_chosen_by(asked, now), kind, now)


def _left_out(line: Line) -> tuple:
    device = line.device
    return str(device.pk), device.aor, device.instance_id or "", line.why


DEVICES = Choice(
    page="devices",
    kinds=Bulk.OF_DEVICES,
    plan=_plan,
    address=devices_address,
    template="notifications/bulk_devices.html",
    columns=("device", "aor", "instance_id", "why"),
    left_out=_left_out,
)


def _kind(request: HttpRequest, asked: QueryDict) -> str:
    """What is to be done; raises PermissionDenied for a reset that is not theirs to do."""
    kind = kind_of_devices(asked)
    may_reset = request.user.has_perm("notifications.reset_strikes")
    if kind == Bulk.Kind.RESET and not may_reset:
        raise PermissionDenied
    return kind


@require_safe
@login_required
@needs("resend")
def dry_run(request: HttpRequest) -> HttpResponse:
    """What would be done to the chosen devices, and what not and why."""
    return bulk_confirming.dry_run(request, DEVICES, _kind(request, request.GET))


@require_POST
@login_required
@needs("resend")
def start(request: HttpRequest) -> HttpResponse:
    """Start it, when the number that was typed is the one that will be done."""
    return bulk_confirming.start(request, DEVICES, _kind(request, request.POST))


@require_safe
@login_required
@needs("resend")
def left_out(request: HttpRequest) -> HttpResponse:
    """What the dry run leaves out and why, as CSV."""
    return bulk_confirming.left_out(request, DEVICES, _kind(request, request.GET))
