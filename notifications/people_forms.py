"""What an admin types of people and programs: logins, groups, API tokens."""

from __future__ import annotations

from django import forms
from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.fields import RowChoiceField
from notifications.forms import Dressed
from notifications.models import ApiToken, App


class UserForm(Dressed, forms.Form):
    """A new person, in one of the three groups."""

    username = forms.RegexField(r"^[\w.@+-]{1,150}$", label=_("User name"))
    password = forms.CharField(widget=forms.PasswordInput, label=_("Password"))
    group = RowChoiceField(Group.objects.all(), to_field_name="name", label=_("Group"))

    def clean_username(self) -> str:
        name = self.cleaned_data["username"]
        if User.objects.filter(username__iexact=name).exists():
            raise forms.ValidationError(gettext("This name is taken."))
        return name

    def clean_password(self) -> str:
        validate_password(self.cleaned_data["password"])
        return self.cleaned_data["password"]


class PasswordForm(forms.Form):
    """A new password that an admin gives a person. `person`: it may not resemble their name."""

    password = forms.CharField(widget=forms.PasswordInput)

    def __init__(self, *args, person: User, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.person = person

    def clean_password(self) -> str:
        validate_password(self.cleaned_data["password"], self.person)
        return self.cleaned_data["password"]


class GroupForm(forms.Form):
    """The group a person is moved to."""

    group = RowChoiceField(Group.objects.all(), to_field_name="name")


class ApiTokenForm(Dressed, forms.Form):
    """A new API token: what it is called, and the one app it is for."""

    name = forms.CharField(
        max_length=60, label=_("Name"), help_text=_("Of the program that uses it.")
    )
    app = RowChoiceField(
        App.objects.all(), required=False, label=_("App"), empty_label=_("Every app")
    )

    def clean_name(self) -> str:
        name = self.cleaned_data["name"]
        if ApiToken.objects.filter(name=name, revoked_at=None).exists():
            raise forms.ValidationError(gettext("This name is taken."))
        return name
