"""Settings: apps and policy, feeds, people; credentials are in `credential_views`."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.db import transaction
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_POST

from notifications import audit
from notifications.actions import needs
from notifications.certificate_form import CertificateForm
from notifications.forms import AppForm, CredentialForm, FeedForm, propose
from notifications.models import App
from notifications.people_forms import ApiTokenForm, GroupForm, PasswordForm, UserForm
from notifications.settings_page import Refused, settings_page
from registrations.models import Feed


@require_GET
@login_required
@needs("see")
def settings(request: HttpRequest) -> HttpResponse:
    """Apps, credentials, feeds and people; forms for those who may change them."""
    return settings_with(request)


def settings_with(
    request: HttpRequest, status: int = 200, refused: Refused = None, **forms
) -> HttpResponse:
    """The page with these forms."""
    context = settings_page(timezone.now(), refused)
    shown = {
        "app_form": AppForm(auto_id="new-app-%s"),
        "credential_form": CredentialForm(auto_id="key-%s"),
        "certificate_form": CertificateForm(auto_id="certificate-%s"),
        "api_token_form": ApiTokenForm(auto_id="api-token-%s"),
        "user_form": UserForm(auto_id="person-%s"),
    } | forms
    apps = [card.app for card in context["apps"]]
    for form in shown.values():
        if isinstance(form, Form):
            propose(form, app=apps, group=context["groups"])
    return render(
        request, "notifications/settings.html", context | shown, status=status
    )


@require_POST
@login_required
@needs("change_policy")
def add_app(request: HttpRequest) -> HttpResponse:
    """A new app."""
    form = AppForm(request.POST, auto_id="new-app-%s")
    if not form.is_valid():
        return settings_with(request, 422, app_form=form)
    return save_and_note(request, form, "app.add", gettext("App added."))


@require_POST
@login_required
@needs("change_policy")
def change_app(request: HttpRequest, pk: int) -> HttpResponse:
    """An app's policy; verdicts from now on follow it."""
    app = get_object_or_404(App, pk=pk)
    form = AppForm(request.POST, instance=app, auto_id=f"app-{pk}-%s")
    if not form.is_valid():
        return settings_with(request, 422, refused=form)
    return save_and_note(request, form, "app.change", gettext("Policy saved."))


@require_POST
@login_required
@needs("change_policy")
def change_feed(request: HttpRequest, pk: int) -> HttpResponse:
    """How a feed is read."""
    feed = get_object_or_404(Feed, pk=pk)
    form = FeedForm(request.POST, instance=feed, auto_id=f"feed-{pk}-%s")
    if not form.is_valid():
        return settings_with(request, 422, refused=form)
    return save_and_note(request, form, "feed.change", gettext("Feed saved."))


def save_and_note(request: HttpRequest, form, action: str, words: str) -> HttpResponse:
    """Save a valid form with its entry in the audit trail; back to Settings."""
    with transaction.atomic():
        row = form.save()
        values = {name: str(form.cleaned_data[name]) for name in form.changed_data}
        audit.note(request.user, action, str(row), timezone.now(), **values)
    messages.success(request, words)
    return redirect("notifications:settings")


@require_POST
@login_required
@needs("manage_users")
def add_user(request: HttpRequest) -> HttpResponse:
    """A new login."""
    form = UserForm(request.POST, auto_id="person-%s")
    if not form.is_valid():
        return settings_with(request, 422, user_form=form)
    values = form.cleaned_data
    with transaction.atomic():
        user = User.objects.create_user(values["username"], password=values["password"])
        user.groups.set([values["group"]])
        group = values["group"].name
        now = timezone.now()
        audit.note(request.user, "user.add", user.username, now, group=group)
    told = gettext("%(name)s can log in now.") % {"name": user.username}
    messages.success(request, told)
    return redirect("notifications:settings")


@require_POST
@login_required
@needs("manage_users")
def toggle_user(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a login away, or give it back. Nobody takes their own."""
    user = get_object_or_404(User, pk=pk)
    if user == request.user:
        messages.error(request, gettext("You cannot take your own login away."))
        return redirect("notifications:settings")
    with transaction.atomic():
        user.is_active = not user.is_active
        user.save(update_fields=["is_active"])
        action = "user.activate" if user.is_active else "user.deactivate"
        audit.note(request.user, action, user.username, timezone.now())
    return redirect("notifications:settings")


@require_POST
@login_required
@needs("manage_users")
def reset_password(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a person another password, which logs them out. One's own wants the old one."""
    user = get_object_or_404(User, pk=pk)
    if user == request.user:
        return redirect("password")
    form = PasswordForm(request.POST, person=user, auto_id=f"password-{pk}-%s")
    if not form.is_valid():
        return settings_with(request, 422, password_form=form)
    with transaction.atomic():
        user.set_password(form.cleaned_data["password"])
        user.save(update_fields=["password"])
        audit.note(request.user, "user.password", user.username, timezone.now())
    told = gettext("%(name)s has a new password and is logged out everywhere.")
    messages.success(request, told % {"name": user.username})
    return redirect("notifications:settings")


@require_POST
@login_required
@needs("manage_users")
def change_group(request: HttpRequest, pk: int) -> HttpResponse:
    """Move a person to another group. Nobody moves themselves."""
    user, form = get_object_or_404(User, pk=pk), GroupForm(request.POST)
    if user == request.user or not form.is_valid():
        messages.error(
            request, gettext("Not moved: choose a group, for somebody else.")
        )
        return redirect("notifications:settings")
    with transaction.atomic():
        group = form.cleaned_data["group"]
        user.groups.set([group])
        now = timezone.now()
        audit.note(request.user, "user.group", user.username, now, group=group.name)
    return redirect("notifications:settings")
