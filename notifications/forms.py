"""What people may type, as domain values."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from zoneinfo import available_timezones

from django import forms
from django.db.models import Model
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.credentials import CredentialError, check_p8, seal
from notifications.fields import RowChoiceField
from notifications.models import App, Credential, Push
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


SHORT_REASON = _("Type a reason of at least 5 characters.")


class ReasonForm(forms.Form):
    """Why somebody does what the audit trail keeps."""

    reason = forms.CharField(
        min_length=5,
        max_length=500,
        error_messages={"required": SHORT_REASON, "min_length": SHORT_REASON},
    )


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
        label=_("Wake window (s)"),
        help_text=_("From APNs accept to the sign of waking."),
    )
    grace = Seconds(
        min_value=0,
        max_value=120,
        initial=5,
        label=_("Grace (s)"),
        help_text=_("How much further the logs must be read."),
    )
    late_window = Seconds(
        min_value=1,
        max_value=600,
        initial=90,
        label=_("Late window (s)"),
        help_text=_("The proxy's call-fork-timeout."),
    )
    reach_window = Seconds(
        min_value=1,
        max_value=86_400,
        initial=900,
        label=_("Seen alive within (s)"),
        help_text=_(
            "A strike counts as witnessed when the phone was seen so near to it."
        ),
    )
    foreground_window = Seconds(
        min_value=1,
        max_value=600,
        initial=20,
        label=_("App counts as open (s)"),
        help_text=_("After an unprompted REGISTER: a push then proves nothing."),
    )
    release_after = Seconds(
        min_value=60,
        max_value=30 * 86_400,
        initial=86_400,
        label=_("Release after (s)"),
        help_text=_("From the last strike until iOS is taken to wake the app again."),
    )

    class Meta:
        model = App
        fields = ["threshold", *RULE_SECONDS]
        labels = {"threshold": _("Threshold (strikes)")}
        help_texts = {"threshold": _("From here on the phone is suspected.")}


class AppForm(RulesForm):
    """A bundle id, its rules, and how its pushes leave."""

    voip_life = Seconds(
        min_value=1,
        max_value=300,
        initial=30,
        label=_("Life of a VoIP push (s)"),
        help_text=_("Nothing leaves after it."),
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
            "name": _("Name"),
            "bundle_id": _("Bundle id"),
            "threshold": _("Threshold (strikes)"),
            "protect": _("Protect mode"),
            "device_limit": _("Pushes a minute to one device"),
            "push_limit": _("Pushes a second of this app"),
        }
        help_texts = {
            "bundle_id": _("As in pn-param, without .voip."),
            "threshold": _("From here on the phone is suspected."),
            "protect": _(
                "One strike earlier VoIP pushes are held; an alert goes instead."
            ),
            "device_limit": _("More wait. 0 is no limit."),
            "push_limit": _("More wait, calls never. 0 is no limit."),
        }


class WhatIfForm(RulesForm):
    """Other rules, and the period they are tried on."""

    AGES = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(30)}

    since = forms.ChoiceField(
        choices=[
            ("24h", _("24 hours")),
            ("7d", _("7 days")),
            ("30d", _("30 days")),
        ],
        initial="7d",
        label=_("Tried on the last"),
    )


class CredentialForm(Dressed, forms.Form):
    """A `.p8` key for an app in one environment; replaces the one that is there."""

    app = RowChoiceField(App.objects.all(), label=_("App"))
    environment = forms.ChoiceField(choices=Environment.choices, label=_("Environment"))
    team_id = forms.RegexField(r"^[A-Z0-9]{10}$", label=_("Team id"))
    key_id = forms.RegexField(r"^[A-Z0-9]{10}$", label=_("Key id"))
    key = forms.CharField(
        widget=NeverShown(attrs={"rows": 6}), label=_("Key (.p8)"), strip=False
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
            self.add_error("host", gettext("Another server needs its host name."))
        return values


class FeedForm(Dressed, forms.ModelForm):
    """How a feed is read; the heartbeat in seconds."""

    heartbeat = forms.IntegerField(
        min_value=1,
        max_value=86_400,
        label=_("Heartbeat, seconds"),
        help_text=_("A source silent for longer holds verdicts back."),
    )
    year = forms.IntegerField(
        required=False,
        min_value=1970,
        max_value=9999,
        label=_("Year"),
        help_text=_("In which its logs begin. Empty: by the file's last change."),
    )

    class Meta:
        model = Feed
        fields = ["enabled", "assume_accepted", "heartbeat", "default_expires"]
        fields += ["timezone", "year"]
        widgets = {"timezone": forms.TextInput}
        labels = {
            "enabled": _("Enabled"),
            "assume_accepted": _("Assume accepted"),
            "default_expires": _("Default expires, seconds"),
            "timezone": _("Time zone"),
        }
        help_texts = {
            "enabled": _("Off: it is read no further, and proves nothing."),
            "assume_accepted": _(
                "Where the log shows no answer of the registrar, a REGISTER counts."
            ),
            "default_expires": _("Of a REGISTER that names no time."),
            "timezone": _(
                "Of time stamps that name none: Europe/Paris. Empty: this machine's."
            ),
        }

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.initial["heartbeat"] = int(self.instance.heartbeat.total_seconds())

    def clean_timezone(self) -> str:
        name = self.cleaned_data["timezone"]
        if name and name not in available_timezones():
            told = gettext(
                "No time zone %(name)s is known here: say Europe/Paris, or UTC."
            )
            raise forms.ValidationError(told % {"name": repr(name)})
        return name

    def clean_heartbeat(self) -> timedelta:
        return timedelta(seconds=self.cleaned_data["heartbeat"])
