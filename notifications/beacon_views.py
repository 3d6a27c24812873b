"""The secret apps sign beacons with, on the Settings page: made, replaced, shown once."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from notifications import audit
from notifications.actions import needs
from notifications.administration import settings_with
from notifications.beacon_secrets import make_secret
from notifications.models import App


@require_POST
@login_required
@needs("manage_credentials")
@never_cache
def make_beacon_secret(request: HttpRequest, pk: int) -> HttpResponse:
    """A new secret of an app, printed in this answer and never again."""
    app, now = get_object_or_404(App, pk=pk), timezone.now()
    with transaction.atomic():
        secret = make_secret(app, now)
        audit.note(request.user, "beacon.secret", str(app), now)
    return settings_with(request, beacon_secret={"app": app.pk, "text": secret})
