"""What people may type, as domain values."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from zoneinfo import available_timezones

from django import forms
from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.db.models import Model

from notifications.credentials import CredentialError, check_p8, seal
from notifications.models import ApiToken, App, Credential, Push
from notifications.never_shown import NeverShown
from registrations.models import Environment, Feed

RULE_SECONDS = (
    "wake_window",
    "grace",
    "late_window",
    "reach_window",
    "foreground_window",
    "release_after",
)
LIMITS = ("device_limit", "push_limit")


class Dressed:
    """A form whose fields carry the classes of the design."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["class"] = _class_of(field.widget)


def propose(form: forms.Form, **rows: Iterable[Model]) -> None:
    """Let a form choose among rows that the page has read already."""
    for name in rows.keys() & form.fields.keys():
        choices = form.fields[name].choices
        first = [("", choices.field.empty_label)] if choices.field.empty_label else []
        form.fields[name].choices = [*first, *map(choices.choice, rows[name])]


def _class_of(widget: forms.Widget) -> str:
    if isinstance(widget, forms.CheckboxInput):
        return "form-check-input"
    return "form-select" if isinstance(widget, forms.Select) else "form-control"


class SendForm(forms.Form):
    """A resend or a test push; `reason` is needed where it is not safe."""

    push_type = forms.ChoiceField(choices=Push.Type.choices)
    reason = forms.CharField(required=False, max_length=500)


class ReasonForm(forms.Form):
    """Why somebody does what the audit trail keeps."""

    reason = forms.CharField(min_length=5, max_length=500)


class Seconds(forms.IntegerField):
    """A span of time, typed in whole seconds."""

    def clean(self, value) -> timedelta | None:
        seconds = super().clean(value)
        return None if seconds is None else timedelta(seconds=seconds)

    def prepare_value(self, value):
        if isinstance(value, timedelta):
            return int(value.total_seconds())
        return value

    def has_changed(self, initial, data) -> bool:
        return super().has_changed(self.prepare_value(initial), data)


class RulesForm(Dressed, forms.ModelForm):
    """The numbers of an app's `Policy`; times in seconds."""

    wake_window = Seconds(
        min_value=1,
        max_value=300,
        initial=30,
        label="Wake window (s)",
        help_text="From APNs accept to the sign of waking.",
    )
    grace = Seconds(
        min_value=0,
        max_value=120,
        initial=5,
        label="Grace (s)",
        help_text="How much further the logs must be read.",
    )
    late_window = Seconds(
        min_value=1,
        max_value=600,
        initial=90,
        label="Late window (s)",
        help_text="The proxy's call-fork-timeout.",
    )
    reach_window = Seconds(
        min_value=1,
        max_value=86_400,
        initial=900,
        label="Seen alive within (s)",
        help_text="A strike counts as witnessed when the phone was seen so near to it.",
    )
    foreground_window = Seconds(
        min_value=1,
        max_value=600,
        initial=20,
        label="App counts as open (s)",
        help_text="After an unprompted REGISTER: a push then proves nothing.",
    )
    release_after = Seconds(
        min_value=60,
        max_value=30 * 86_400,
        initial=86_400,
        label="Release after (s)",
        help_text="From the last strike until iOS is taken to wake the app again.",
    )

    class Meta:
        model = App
        fields = ["threshold", *RULE_SECONDS]
        labels = {"threshold": "Threshold (strikes)"}
        help_texts = {"threshold": "From here on the phone is suspected."}


class AppForm(RulesForm):
    """A bundle id, its rules, and how its pushes leave."""

    voip_life = Seconds(
        min_value=1,
        max_value=300,
        initial=30,
        label="Life of a VoIP push (s)",
        help_text="Nothing leaves after it.",
    )

    class Meta(RulesForm.Meta):
        fields = [
            "name",
            "bundle_id",
            "threshold",
            "protect",
            *RULE_SECONDS,
            "voip_life",
            *LIMITS,
        ]
        widgets = {"name": forms.TextInput, "bundle_id": forms.TextInput}
        labels = {
            "bundle_id": "Bundle id",
            "threshold": "Threshold (strikes)",
            "protect": "Protect mode",
            "device_limit": "Pushes a minute to one device",
            "push_limit": "Pushes a second of this app",
        }
        help_texts = {
            "bundle_id": "As in pn-param, without .voip.",
            "threshold": "From here on the phone is suspected.",
            "protect": "One strike earlier VoIP pushes are held; an alert goes instead.",
            "device_limit": "More wait. 0 is no limit.",
            "push_limit": "More wait, calls never. 0 is no limit.",
        }


class WhatIfForm(RulesForm):
    """Other rules, and the period they are tried on."""

    AGES = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(30)}

    since = forms.ChoiceField(
        choices=[("24h", "24 hours"), ("7d", "7 days"), ("30d", "30 days")],
        initial="7d",
        label="Tried on the last",
    )


class CredentialForm(Dressed, forms.Form):
    """A `.p8` key for an app in one environment; replaces the one that is there."""

    app = forms.ModelChoiceField(App.objects.all())
    environment = forms.ChoiceField(choices=Environment.choices)
    team_id = forms.RegexField(r"^[A-Z0-9]{10}$", label="Team id")
    key_id = forms.RegexField(r"^[A-Z0-9]{10}$", label="Key id")
    key = forms.CharField(
        widget=NeverShown(attrs={"rows": 6}), label="Key (.p8)", strip=False
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

    def clean_key(self) -> str:
        try:
            pem = check_p8(self.cleaned_data["key"])
            seal(pem)  # without a key ring nothing could be stored
            return pem
        except CredentialError as error:
            raise forms.ValidationError(str(error)) from error

    def clean(self) -> dict:
        values = super().clean()
        if values.get("server") == Credential.Server.OTHER and not values.get("host"):
            self.add_error("host", "Another server needs its host name.")
        return values


class FeedForm(forms.ModelForm):
    """How a feed is read; the heartbeat in seconds."""

    heartbeat = forms.IntegerField(min_value=1, max_value=86_400)

    class Meta:
        model = Feed
        fields = [
            "enabled",
            "assume_accepted",
            "heartbeat",
            "default_expires",
            "timezone",
        ]

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.initial["heartbeat"] = int(self.instance.heartbeat.total_seconds())

    def clean_timezone(self) -> str:
        name = self.cleaned_data["timezone"]
        if name and name not in available_timezones():
            raise forms.ValidationError(
                f"No time zone {name!r} is known here: say Europe/Paris, or UTC."
            )
        return name

    def clean_heartbeat(self) -> timedelta:
        return timedelta(seconds=self.cleaned_data["heartbeat"])


class UserForm(Dressed, forms.Form):
    """A new person, in one of the three groups."""

    username = forms.RegexField(r"^[\w.@+-]{1,150}$", label="User name")
    password = forms.CharField(widget=forms.PasswordInput)
    group = forms.ModelChoiceField(Group.objects.all(), to_field_name="name")

    def clean_username(self) -> str:
        name = self.cleaned_data["username"]
        if User.objects.filter(username__iexact=name).exists():
            raise forms.ValidationError("This name is taken.")
        return name

    def clean_password(self) -> str:
        validate_password(self.cleaned_data["password"])
        return self.cleaned_data["password"]


class GroupForm(forms.Form):
    """The group a person is moved to."""

    group = forms.ModelChoiceField(Group.objects.all(), to_field_name="name")


class ApiTokenForm(Dressed, forms.Form):
    """A new API token: what it is called, and the one app it is for."""

    name = forms.CharField(max_length=60, help_text="Of the program that uses it.")
    app = forms.ModelChoiceField(
        App.objects.all(), required=False, empty_label="Every app"
    )

    def clean_name(self) -> str:
        name = self.cleaned_data["name"]
        if ApiToken.objects.filter(name=name, revoked_at=None).exists():
            raise forms.ValidationError("This name is taken.")
        return name
