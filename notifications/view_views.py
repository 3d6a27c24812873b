"""Saving, renaming and deleting a view of a list."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from notifications.actions import needs
from notifications.filters import ALL
from notifications.models import SavedView
from notifications.saved_views import (
    MOST,
    NameForm,
    NameTaken,
    TooMany,
    ViewForm,
    delete,
    rename,
    save,
)


@require_POST
@login_required
@needs("see")
def add_view(request: HttpRequest) -> HttpResponse:
    """Save the address of a list under a name."""
    form = ViewForm(request.POST)
    page = request.POST.get("page", "")
    if not form.is_valid():
        is_name = "name" in form.errors
        told = gettext("A view wants a name of at most 60 characters.")
        messages.error(request, told if is_name else " ".join(_faults(form)))
        return _back(page if page in SavedView.Page.values else "devices")
    if form.cleaned_data["default_for"] and not _sets_defaults(request):
        raise PermissionDenied
    try:
        view = save(form.cleaned_data, request.user, timezone.now())
    except TooMany:
        told = gettext("You have %(most)s views: delete one first.") % {"most": MOST}
        messages.error(request, told)
        return _back(page)
    messages.success(request, gettext("Saved as %(name)s.") % {"name": view.name})
    return _back(page, view.address)


@require_POST
@login_required
@needs("see")
def rename_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Call one's own view something else; an admin any shared one."""
    view, form = _own_view(request, pk), NameForm(request.POST)
    if not form.is_valid():
        messages.error(
            request, gettext("A view wants a name of at most 60 characters.")
        )
        return _back(view.page, view.address)
    name = form.cleaned_data["name"]
    try:
        rename(view, name, request.user, timezone.now())
    except NameTaken:
        told = gettext("There is a view %(name)s already.") % {"name": name}
        messages.error(request, told)
        return _back(view.page, view.address)
    messages.success(
        request, gettext("It is called %(name)s now.") % {"name": view.name}
    )
    return _back(view.page, view.address)


@require_POST
@login_required
@needs("see")
def delete_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete one's own view; an admin any shared one."""
    view = _own_view(request, pk)
    delete(view, request.user, timezone.now())
    messages.success(request, gettext("%(name)s is deleted.") % {"name": view.name})
    return _back(view.page, ALL)


def _own_view(request: HttpRequest, pk: int) -> SavedView:
    rows = SavedView.objects.all()
    if not _sets_defaults(request):
        rows = rows.filter(owner=request.user)
    view = get_object_or_404(rows, pk=pk)
    if not view.is_shared and view.owner != request.user:
        raise PermissionDenied
    return view


def _faults(form: ViewForm) -> list[str]:
    return [str(fault) for faults in form.errors.values() for fault in faults]


def _sets_defaults(request: HttpRequest) -> bool:
    return request.user.has_perm("notifications.manage_users")


def _back(page: str, address: str = ALL) -> HttpResponse:
    return redirect(f"{reverse(f'notifications:{page}')}?{address or ALL}")
