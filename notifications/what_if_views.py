"""What-if: the strike rules of an app tried on its past, and saved from there."""

from __future__ import annotations

from copy import copy

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from notifications.actions import needs
from notifications.administration import save_and_note
from notifications.forms import RulesForm, WhatIfForm
from notifications.models import App
from notifications.policy import policy_of
from notifications.what_if import MOST_CALLS, calls_in, what_if


@require_safe
@login_required
@needs("change_policy")
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Which verdicts and phones other rules would flip; nothing is changed by looking."""
    app = get_object_or_404(App, pk=pk)
    if not request.GET:
        return _page(request, app, WhatIfForm(instance=app))
    # The form writes what is typed on its instance: not on the row whose rules it is held to.
    form = WhatIfForm(request.GET, instance=copy(app))
    if not form.is_valid():
        return _page(request, app, form, status=422)
    now = timezone.now()
    since = now - form.AGES[form.cleaned_data["since"]]
    if calls_in(app, since, now) > MOST_CALLS:
        return _page(request, app, form, too_many=MOST_CALLS)
    found = what_if(app, policy_of(form.instance), since, now)
    return _page(request, app, form, found=found)


@require_POST
@login_required
@needs("change_policy")
def save(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep the rules that were tried."""
    app = get_object_or_404(App, pk=pk)
    form = RulesForm(request.POST, instance=copy(app))
    if not form.is_valid():
        return _page(request, app, form, status=422)
    return save_and_note(request, form, "app.change", gettext("Strike rules saved."))


def _page(
    request: HttpRequest, app: App, form: RulesForm, status: int = 200, **found
) -> HttpResponse:
    context = {"page": "settings", "app": app, "form": form, "own": policy_of(app)}
    return render(request, "notifications/what_if.html", context | found, status=status)
