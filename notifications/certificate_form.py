"""The form of a `.p12` or `.pem` certificate."""

from __future__ import annotations

from django import forms
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.certificates import BadCertificate, PushCertificate, read_certificate
from notifications.credentials import CredentialError, seal
from notifications.fields import RowChoiceField
from notifications.forms import Dressed
from notifications.models import App, Credential
from registrations.models import Environment

LARGEST_BYTES = 65_536


class CertificateForm(Dressed, forms.Form):
    """A certificate for an app in one environment; replaces the credential that is there."""

    app = RowChoiceField(App.objects.all(), label=_("App"))
    environment = forms.ChoiceField(choices=Environment.choices, label=_("Environment"))
    file = forms.FileField(label=_("Certificate (.p12 or .pem)"), max_length=255)
    password = forms.CharField(
        label=_("Password"),
        required=False,
        strip=False,
        widget=forms.PasswordInput,
        help_text=_("Of the file, if it has one."),
    )
    push_limit = forms.IntegerField(
        required=False,
        min_value=0,
        label=_("Pushes a second"),
        help_text=_("More wait, calls never. 0 is no limit."),
    )
    server = forms.ChoiceField(choices=Credential.Server.choices, label=_("Server"))
    host = forms.CharField(required=False, label=_("Host"))
    port = forms.IntegerField(
        required=False, min_value=1, max_value=65535, label=_("Port")
    )
    ca_pem = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 4}), label=_("CA file")
    )

    def clean(self) -> dict:
        values = super().clean()
        if values.get("server") == Credential.Server.OTHER and not values.get("host"):
            self.add_error("host", gettext("Another server needs its host name."))
        if values.get("file") and values.get("app") and values.get("environment"):
            try:
                values["certificate"] = self._read(values)
            except (BadCertificate, CredentialError) as error:
                told = gettext("Not stored: %(why)s.") % {"why": error}
                self.add_error("file", told)
        return values

    def _read(self, values: dict) -> PushCertificate:
        if values["file"].size > LARGEST_BYTES:
            raise BadCertificate(gettext("it is too large for a certificate"))
        data, password = values["file"].read(), values.get("password", "")
        found = read_certificate(data, password, timezone.now())
        seal(found.pem)  # without a key ring nothing could be stored
        if found.environments and values["environment"] not in found.environments:
            there = ", ".join(sorted(found.environments))
            told = gettext("it is a certificate for %(there)s") % {"there": there}
            raise BadCertificate(told)
        bundle_id = values["app"].bundle_id
        if found.topics and not {bundle_id, f"{bundle_id}.voip"} & {*found.topics}:
            told = gettext("it is for %(topics)s") % {"topics": ", ".join(found.topics)}
            raise BadCertificate(told)
        return found
