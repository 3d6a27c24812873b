"""Saving, renaming and deleting a view of a list."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from notifications.actions import needs
from notifications.filters import ALL
from notifications.models import SavedView
from notifications.refused_forms import back_to
from notifications.saved_views import (
    MOST,
    NameForm,
    NameTaken,
    TooMany,
    ViewForm,
    delete,
    rename,
    save,
    without_place,
)


@require_POST
@login_required
@needs("see")
def add_view(request: HttpRequest) -> HttpResponse:
    """Save the address of a list under a name."""
    form, view = ViewForm(request.POST), None
    if form.is_valid():
        if form.cleaned_data["default_for"] and not _sets_defaults(request):
            raise PermissionDenied
        view = _saved(form, request)
    if view is None:
        page = request.POST.get("page", "")
        page = page if page in SavedView.Page.values else "devices"
        asked = without_place(QueryDict(request.POST.get("address", "").lstrip("?")))
        return back_to(request, _address(page, asked), "add_view", form)
    messages.success(request, gettext("Saved as %(name)s.") % {"name": view.name})
    return _back(view.page, view.address)


def _saved(form: ViewForm, request: HttpRequest) -> SavedView | None:
    try:
        return save(form.cleaned_data, request.user, timezone.now())
    except TooMany:
        told = gettext("You have %(most)s views: delete one first.") % {"most": MOST}
        form.add_error("name", told)
        return None


@require_POST
@login_required
@needs("see")
def rename_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Call one's own view something else; an admin any shared one."""
    view, form = _own_view(request, pk), NameForm(request.POST)
    if not (form.is_valid() and _is_renamed(view, form, request)):
        address = _address(view.page, view.address)
        return back_to(request, address, "rename_view", form, view.pk)
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


def _is_renamed(view: SavedView, form: NameForm, request: HttpRequest) -> bool:
    name = form.cleaned_data["name"]
    try:
        rename(view, name, request.user, timezone.now())
    except NameTaken:
        told = gettext("There is a view %(name)s already.") % {"name": name}
        form.add_error("name", told)
        return False
    return True


def _own_view(request: HttpRequest, pk: int) -> SavedView:
    rows = SavedView.objects.all()
    if not _sets_defaults(request):
        rows = rows.filter(owner=request.user)
    view = get_object_or_404(rows, pk=pk)
    if not view.is_shared and view.owner != request.user:
        raise PermissionDenied
    return view


def _sets_defaults(request: HttpRequest) -> bool:
    return request.user.has_perm("notifications.manage_users")


def _back(page: str, address: str = ALL) -> HttpResponse:
    return redirect(_address(page, address))


def _address(page: str, address: str) -> str:
    return f"{reverse(f'notifications:{page}')}?{address or ALL}"
