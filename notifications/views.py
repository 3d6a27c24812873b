"""Live, lists and details. Each view states its right, calls one read model, renders."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from notifications import (
    audit_list,
    charts,
    device_list,
    device_page,
    failure_list,
    fleet,
    fleet_page,
    malformed_list,
    push_list,
    push_page,
)
from notifications.filters import ALL
from notifications.keyset import query, words
from notifications.refused_forms import refused_form
from notifications.saved_views import views_for
from notifications.search import bare, find
from registrations.models import Device, Feed

may_see = permission_required("notifications.see", raise_exception=True)


@require_safe
@login_required
@may_see
def live(request: HttpRequest) -> HttpResponse:
    """Which phones will not ring, now. Without a feed: how to connect one."""
    now = timezone.now()
    span = request.GET.get("span", "")
    picture = fleet.Picture(now, span if span in charts.SPANS else "1h")
    if not (picture.sources or Feed.objects.exists()):
        return render(request, "notifications/empty.html", {"page": "live"})
    # The picture has counted what the shell would count again.
    context = {"page": "live", "live": picture, "now": now}
    context["attention"] = picture.attention
    return render(request, "notifications/live.html", context)


@require_safe
@login_required
@may_see
def devices(request: HttpRequest) -> HttpResponse:
    """Every device, newest first; the first view of the person's group where there is one."""
    views = views_for(request.user, "devices", request.GET)
    if views.first is not None and not request.GET:
        return redirect(f"{request.path}?{views.first.address or ALL}")
    context = {
        "page": "devices",
        "list": device_list.devices(request.GET, timezone.now()),
        "views": views,
        "refused": refused_form(request),
    }
    return render(request, "notifications/devices.html", context)


@require_safe
@login_required
@may_see
def device(request: HttpRequest, pk: int) -> HttpResponse:
    """One device: risk, timeline, tokens, Contact."""
    found = get_object_or_404(Device, pk=pk)
    context = device_page.device(found, request.GET, timezone.now())
    context |= {"page": "devices", "refused": refused_form(request)}
    return render(request, "notifications/device.html", context)


@require_safe
@login_required
@may_see
def pushes(request: HttpRequest) -> HttpResponse:
    """Every push, newest first; the first view of the person's group where there is one."""
    views = views_for(request.user, "pushes", request.GET)
    if views.first is not None and not request.GET:
        return redirect(f"{request.path}?{views.first.address or ALL}")
    context = {
        "page": "pushes",
        "list": push_list.pushes(request.GET, timezone.now()),
        "views": views,
        "refused": refused_form(request),
    }
    return render(request, "notifications/pushes.html", context)


@require_safe
@login_required
@may_see
def push(request: HttpRequest, pk) -> HttpResponse:
    """One push: steps, attempts, request, verdict, and whether a resend is safe."""
    found = get_object_or_404(push_page.rows(), pk=pk)
    context = push_page.push(found, timezone.now())
    context |= {"page": "pushes", "refused": refused_form(request)}
    return render(request, "notifications/push.html", context)


@require_safe
@login_required
@may_see
def failures(request: HttpRequest) -> HttpResponse:
    """Failed pushes by reason, with meaning and remedy."""
    sees_activity = request.user.has_perm("notifications.manage_users")
    found = failure_list.failures(
        request.GET, timezone.now(), sees_activity=sees_activity
    )
    context = {"page": "failures", "list": found}
    return render(request, "notifications/failures.html", context)


@require_safe
@login_required
@may_see
def fleet_insight(request: HttpRequest) -> HttpResponse:
    """Which app builds and phones do not wake, how fast the others do, what we cannot see."""
    context = fleet_page.fleet(request.GET, timezone.now())
    return render(request, "notifications/fleet.html", context | {"page": "fleet"})


@require_safe
@login_required
@permission_required("notifications.manage_users", raise_exception=True)
def audit(request: HttpRequest) -> HttpResponse:
    """Who did what, when and to what."""
    found = audit_list.audit_page(request.GET, timezone.now())
    return render(request, "notifications/audit.html", {"page": "audit", "list": found})


@require_safe
@login_required
@may_see
def malformed(request: HttpRequest) -> HttpResponse:
    """Registrations that break a rule, by rule and app version."""
    found = malformed_list.inbox(request.GET, timezone.now())
    context = {"page": "malformed", "inbox": found, "address": query(q=found.asked.q)}
    return render(request, "notifications/malformed.html", context)


@require_safe
@login_required
@may_see
def search(request: HttpRequest) -> HttpResponse:
    """Straight to the page of what was looked for when it is unique, else to a list of it."""
    wanted = bare(words(request.GET.get("q", "")))
    found = find(wanted)
    if found is not None:
        return redirect(found)
    target = redirect("notifications:devices")
    target["Location"] += f"?{query(q=wanted)}"
    return target
