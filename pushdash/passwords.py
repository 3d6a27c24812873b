"""A person's own new password: Django's view and form in our look, with an audit entry.

Who guesses at the old one is locked out as at the login, by the same count. Every other
session of the person ends with it; that one goes on.
"""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import authenticate
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse_lazy
from django.utils import timezone
from django.utils.translation import gettext

from notifications import audit
from notifications.forms import Dressed


class OwnPassword(Dressed, PasswordChangeForm):
    """The old password, and the new one twice."""

    def __init__(self, *args, request: HttpRequest, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self._request = request
        # Django's is a list, which fits into no line of help.
        self.fields["new_password1"].help_text = gettext(
            "At least 8 characters, no common word, not only digits."
        )

    def clean_old_password(self) -> str:
        """By the way of a login, which counts wrong ones. Raises ValidationError."""
        typed = self.cleaned_data["old_password"]
        name = self.user.get_username()
        if authenticate(self._request, username=name, password=typed) is None:
            told = self.error_messages["password_incorrect"]
            raise ValidationError(told, code="password_incorrect")
        return typed


class ChangePassword(PasswordChangeView):
    """Asks for the old password, and says what is wrong beside each field."""

    form_class = OwnPassword
    template_name = "registration/password.html"
    success_url = reverse_lazy("notifications:live")

    def get_form_kwargs(self) -> dict:
        """The form counts with the address of the request."""
        return super().get_form_kwargs() | {"request": self.request}

    @transaction.atomic
    def form_valid(self, form: OwnPassword) -> HttpResponse:
        answer, person = super().form_valid(form), self.request.user
        audit.note(person, "user.password", person.username, timezone.now())
        told = gettext("Your password is changed. Other browsers are logged out.")
        messages.success(self.request, told)
        return answer
