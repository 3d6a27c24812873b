"""The first admin: made through a signed link that works once, while there is no user."""

from __future__ import annotations

from django import forms
from django.contrib.auth import login
from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.core import signing
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

SALT = "pushdash.first-run"
LIFE_SECONDS = 24 * 3600
LOCK = 0x66697273


class FirstAdminForm(forms.Form):
    """Name and password of the first admin."""

    username = forms.RegexField(r"^[\w.@+-]{1,150}$", label=_("User name"))
    password = forms.CharField(widget=forms.PasswordInput, label=_("Password"))

    def clean_password(self) -> str:
        validate_password(self.cleaned_data["password"])
        return self.cleaned_data["password"]


def link(base_url: str) -> str:
    """The link, or "" when there is a user already."""
    if User.objects.exists():
        return ""
    token = signing.dumps("first-run", salt=SALT)
    return base_url + reverse("first-run", kwargs={"token": token})


def first_run(request: HttpRequest, token: str) -> HttpResponse:
    """The page behind the link. No login: the signature is the right."""
    try:
        signing.loads(token, salt=SALT, max_age=LIFE_SECONDS)
    except signing.BadSignature:
        return render(request, "registration/used.html", status=410)
    if User.objects.exists():
        return render(request, "registration/used.html", status=410)
    form = FirstAdminForm(request.POST or None)
    if not form.is_valid():
        return render(request, "registration/first_run.html", {"form": form})
    user = create_admin(**form.cleaned_data)
    if user is None:
        return render(request, "registration/used.html", status=410)
    login(request, user, backend="pushdash.logins.Logins")
    return redirect("notifications:live")


@transaction.atomic
def create_admin(username: str, password: str) -> User | None:
    """The first user; None when somebody was faster."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, 0)", [LOCK])
    if User.objects.exists():
        return None
    user = User.objects.create_user(username, password=password)
    user.groups.set([Group.objects.get(name="admin")])
    return user
