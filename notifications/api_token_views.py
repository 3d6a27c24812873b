"""API tokens on the Settings page: given once, revoked; both are in the audit trail."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from notifications import api_tokens
from notifications.actions import needs
from notifications.administration import settings_with
from notifications.models import ApiToken
from notifications.people_forms import ApiTokenForm


@never_cache
@require_POST
@login_required
@needs("manage_credentials")
def give(request: HttpRequest) -> HttpResponse:
    """A new token, shown this once."""
    form = ApiTokenForm(request.POST, auto_id="api-token-%s")
    if not form.is_valid():
        return settings_with(request, 422, api_token_form=form)
    values, now = form.cleaned_data, timezone.now()
    secret = api_tokens.give_token(values["name"], values["app"], request.user, now)
    context = {"page": "settings", "secret": secret, **values}
    return render(request, "notifications/api_token.html", context)


@require_POST
@login_required
@needs("manage_credentials")
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a token away; requests with it are refused at once."""
    token = get_object_or_404(ApiToken, pk=pk)
    if api_tokens.revoke(token, request.user, timezone.now()):
        told = gettext("%(name)s is revoked.") % {"name": token.name}
        messages.success(request, told)
    return redirect("notifications:settings")
