"""What people do: send, reset, reveal. Each is a POST with a right and an audit row."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from notifications import audit
from notifications.forms import ReasonForm, SendForm
from notifications.models import Push
from notifications.other_environment import try_other
from notifications.outbox import CannotSend
from notifications.refused_forms import back_to
from notifications.resend import Order, WantsReason, send
from notifications.resetting import ResetOrder, reset
from notifications.withdrawing import withdraw
from registrations.models import Device


def needs(right: str):
    """The decorator that asks for a right of `notifications`."""
    return permission_required(f"notifications.{right}", raise_exception=True)


@require_POST
@login_required
@needs("resend")
def test_push(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a test push to a device."""
    return _send(request, get_object_or_404(Device, pk=pk), None)


@require_POST
@login_required
@needs("resend")
def resend(request: HttpRequest, pk) -> HttpResponse:
    """Send a push again: a new push that names the old one."""
    push = get_object_or_404(Push.objects.select_related("device"), pk=pk)
    return _send(request, push.device, push)


@require_POST
@login_required
@needs("resend")
def withdraw_push(request: HttpRequest, pk) -> HttpResponse:
    """Cancel a push that has not left yet."""
    push = get_object_or_404(Push.objects.select_related("device"), pk=pk)
    if withdraw(push, request.user, timezone.now()):
        messages.success(request, gettext("Undone. It never left."))
    else:
        messages.error(request, gettext("Too late: a worker has it, or it has ended."))
    return redirect("notifications:push", pk=pk)


def _send(request: HttpRequest, device: Device, resend_of: Push | None) -> HttpResponse:
    back, form = _page_of(resend_of or device), SendForm(request.POST)
    if "push_type" in form.errors:
        messages.error(request, gettext("Choose a push type."))
        return redirect(back)
    if not form.is_valid():
        return back_to(request, back, _name_of(form, resend_of), form)
    order = Order(
        device=device, by=request.user, resend_of=resend_of, **form.cleaned_data
    )
    try:
        push = send(order, timezone.now())
    except WantsReason as refusal:
        form.add_error("reason", str(refusal))
        return back_to(request, back, _name_of(form, resend_of), form)
    except CannotSend as refusal:
        messages.error(request, str(refusal))
        return redirect(back)
    _tell(request, push)
    return redirect("notifications:push", pk=push.pk)


def _name_of(form: SendForm, resend_of: Push | None) -> str:
    """Which form of the page it was: as the templates call them."""
    if resend_of is None:
        return "test"
    is_same = form.cleaned_data.get("push_type") == resend_of.push_type
    return "resend_again" if is_same else "resend_alert"


def _tell(request: HttpRequest, push: Push) -> None:
    if push.requested_by_id == request.user.pk:
        told = gettext("Queued. It leaves in 5 s; until then it can be undone.")
        messages.success(request, told)
    else:
        told = gettext("%(who)s has resent it already. This is that push.")
        messages.info(request, told % {"who": push.requested_by or gettext("Somebody")})


def _page_of(row: Push | Device) -> str:
    name = "push" if isinstance(row, Push) else "device"
    return reverse(f"notifications:{name}", args=[row.pk])


@require_POST
@login_required
@needs("resend")
def try_other_environment(request: HttpRequest, pk: int, token: int) -> HttpResponse:
    """Push a quarantined token in the environment it is not registered for."""
    device = get_object_or_404(Device, pk=pk)
    held = get_object_or_404(device.holdings, current=True, token=token)
    try:
        push = try_other(device, held.token, request.user, timezone.now())
    except CannotSend as refusal:
        messages.error(request, str(refusal))
        return redirect("notifications:device", pk=pk)
    told = gettext("Queued in %(environment)s. APNs' answer decides.")
    messages.success(request, told % {"environment": push.environment})
    return redirect("notifications:push", pk=push.pk)


@require_POST
@login_required
@needs("reset_strikes")
def reset_strikes(request: HttpRequest, pk: int) -> HttpResponse:
    """Start the strikes of a device's voip token anew, with a reason."""
    device = get_object_or_404(Device, pk=pk)
    form = ReasonForm(request.POST)
    holding = device.holdings.filter(current=True, token__kind="voip").last()
    if not form.is_valid():
        return back_to(request, _page_of(device), "reset", form)
    if holding is None:
        messages.error(request, gettext("This device has no VoIP token."))
    else:
        order = ResetOrder(
            device=device, token=holding.token, by=request.user, **form.cleaned_data
        )
        reset(order, timezone.now())
        messages.success(
            request, gettext("Strikes reset. The ledger follows within a second.")
        )
    return redirect("notifications:device", pk=pk)


@never_cache
@require_POST
@login_required
@needs("reveal")
def reveal(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the tokens of a device in clear, once, with a reason."""
    device = get_object_or_404(Device, pk=pk)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return back_to(request, _page_of(device), "reveal", form)
    held = device.holdings.filter(current=True).select_related("token")
    reason = form.cleaned_data["reason"]
    audit.note(request.user, "token.reveal", device.aor, timezone.now(), reason=reason)
    context = {"page": "devices", "device": device, "holdings": held}
    return render(request, "notifications/reveal.html", context)
