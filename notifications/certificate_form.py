"""The form of a `.p12` or `.pem` certificate."""

from __future__ import annotations

from django import forms
from django.utils import timezone

from notifications.certificates import BadCertificate, PushCertificate, read_certificate
from notifications.credentials import CredentialError, seal
from notifications.forms import Dressed
from notifications.models import App, Credential
from registrations.models import Environment

LARGEST_BYTES = 65_536


class CertificateForm(Dressed, forms.Form):
    """A certificate for an app in one environment; replaces the credential that is there."""

    app = forms.ModelChoiceField(App.objects.all())
    environment = forms.ChoiceField(choices=Environment.choices)
    file = forms.FileField(label="Certificate (.p12 or .pem)", max_length=255)
    password = forms.CharField(
        required=False,
        strip=False,
        widget=forms.PasswordInput,
        help_text="Of the file, if it has one.",
    )
    push_limit = forms.IntegerField(
        required=False,
        min_value=0,
        label="Pushes a second",
        help_text="More wait, calls never. 0 is no limit.",
    )
    server = forms.ChoiceField(choices=Credential.Server.choices)
    host = forms.CharField(required=False)
    port = forms.IntegerField(required=False, min_value=1, max_value=65535)
    ca_pem = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 4}), label="CA file"
    )

    def clean(self) -> dict:
        values = super().clean()
        if values.get("server") == Credential.Server.OTHER and not values.get("host"):
            self.add_error("host", "Another server needs its host name.")
        if values.get("file") and values.get("app") and values.get("environment"):
            try:
                values["certificate"] = self._read(values)
            except (BadCertificate, CredentialError) as error:
                self.add_error("file", f"Not stored: {error}.")
        return values

    def _read(self, values: dict) -> PushCertificate:
        if values["file"].size > LARGEST_BYTES:
            raise BadCertificate("it is too large for a certificate")
        data, password = values["file"].read(), values.get("password", "")
        found = read_certificate(data, password, timezone.now())
        seal(found.pem)  # without a key ring nothing could be stored
        if found.environments and values["environment"] not in found.environments:
            there = " and ".join(sorted(found.environments))
            raise BadCertificate(f"it is a certificate for {there}")
        bundle_id = values["app"].bundle_id
        if found.topics and not {bundle_id, f"{bundle_id}.voip"} & {*found.topics}:
            raise BadCertificate(f"it is for {', '.join(found.topics)}")
        return found
