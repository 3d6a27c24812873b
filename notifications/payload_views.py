"""An app's payload templates: edited, looked at with a device's values, given back."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_POST

from notifications import audit
from notifications.actions import needs
from notifications.models import App, PayloadTemplate, Push
from notifications.payload_form import TemplateForm
from notifications.payload_page import payload_page


@require_GET
@login_required
@needs("see")
def payloads(request: HttpRequest, pk: int) -> HttpResponse:
    """Every kind's template and what it makes for the device of `aor`."""
    return _page(request, get_object_or_404(App, pk=pk), None, 200)


@require_POST
@login_required
@needs("change_policy")
def change_payload(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """Look at a template, store it, or go back to the default: by the button pressed."""
    app = get_object_or_404(App, pk=pk)
    if kind not in Push.Kind.values:
        return redirect("notifications:payloads", pk=pk)
    if "default" in request.POST:
        return _set(request, app, kind, None)
    form = TemplateForm(kind, request.POST, auto_id=f"{kind}-%s")
    if not form.is_valid():
        return _page(request, app, form, 422)
    if "preview" in request.POST:
        return _page(request, app, form, 200)
    return _set(request, app, kind, form.cleaned_data["body"])


def _page(
    request: HttpRequest, app: App, form: TemplateForm | None, status: int
) -> HttpResponse:
    wanted = request.GET.get("aor") or request.POST.get("aor", "")
    context = payload_page(app, wanted, form, timezone.now())
    return render(request, "notifications/payloads.html", context, status=status)


def _set(request: HttpRequest, app: App, kind: str, body: dict | None) -> HttpResponse:
    with transaction.atomic():
        if body is None:
            PayloadTemplate.objects.filter(app=app, kind=kind).delete()
        else:
            PayloadTemplate.objects.update_or_create(
                app=app, kind=kind, defaults={"body": body}
            )
        is_own = "own" if body is not None else "default"
        now = timezone.now()
        audit.note(
            request.user, "payload.set", app.bundle_id, now, kind=kind, template=is_own
        )
    told = gettext("%(kind)s: saved.") % {"kind": Push.Kind(kind).label}
    messages.success(request, told)
    return redirect("notifications:payloads", pk=app.pk)
