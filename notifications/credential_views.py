"""Keys and certificates on the Settings page: stored sealed, tried, never shown again."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from notifications import audit
from notifications.actions import needs
from notifications.administration import settings_with
from notifications.certificate_form import CertificateForm
from notifications.credentials import seal
from notifications.dry_run import dry_run
from notifications.forms import CredentialForm
from notifications.models import Credential

#: What was told of the old one is not held against a new one: it is tried at once.
UNTOLD = {
    "paused_until": None,
    "pause_reason": "",
    "jump_at": None,
    "warned_days": None,
}


@require_POST
@login_required
@needs("manage_credentials")
def set_credential(request: HttpRequest) -> HttpResponse:
    """Add or replace a key."""
    form = CredentialForm(request.POST, auto_id="key-%s")
    if not form.is_valid():
        return settings_with(request, 422, credential_form=form)
    values = form.cleaned_data
    fields = {
        "kind": Credential.Kind.KEY,
        "team_id": values["team_id"],
        "key_id": values["key_id"],
        "sealed_key": seal(values["key"]),
        "name": "",
        "topics": [],
        "expires_at": None,
    }
    _store(request, values, fields, {"key_id": values["key_id"]})
    messages.success(
        request, gettext("Key stored, encrypted. It is never shown again.")
    )
    return redirect("notifications:settings")


@require_POST
@login_required
@needs("manage_credentials")
def set_certificate(request: HttpRequest) -> HttpResponse:
    """Add or replace a certificate."""
    form = CertificateForm(request.POST, request.FILES, auto_id="certificate-%s")
    if not form.is_valid():
        return settings_with(request, 422, certificate_form=form)
    values = form.cleaned_data
    found = values["certificate"]
    fields = {
        "kind": Credential.Kind.CERTIFICATE,
        "team_id": "",
        "key_id": "",
        "sealed_key": seal(found.pem),
        "name": found.name,
        "topics": list(found.topics),
        "expires_at": found.expires_at,
    }
    told = {"certificate": found.name, "expires_at": found.expires_at.isoformat()}
    _store(request, values, fields, told)
    messages.success(
        request, gettext("Certificate stored, encrypted. It is never shown again.")
    )
    return redirect("notifications:settings")


@transaction.atomic
def _store(request: HttpRequest, values: dict, fields: dict, told: dict) -> None:
    now = timezone.now()
    Credential.objects.update_or_create(
        app=values["app"],
        environment=values["environment"],
        defaults={
            **fields,
            **UNTOLD,
            "push_limit": values["push_limit"] or 0,
            "server": values["server"],
            "host": values["host"],
            "port": values["port"] or 443,
            "ca_pem": values["ca_pem"],
            "created_at": now,
        },
    )
    subject = f"{values['app']} {values['environment']}"
    audit.note(request.user, "credential.set", subject, now, **told)


@require_POST
@login_required
@needs("manage_credentials")
def try_credential(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask APNs about a stored key or certificate; nobody's phone rings."""
    credential = get_object_or_404(Credential.objects.select_related("app"), pk=pk)
    for finding in dry_run(credential, timezone.now()):
        tell = messages.success if finding.is_ok else messages.error
        tell(request, f"{finding.topic}: {finding.words}")
    return redirect("notifications:settings")
