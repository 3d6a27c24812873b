"""Logins for tests: people with named rights, and their session cookies."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.test import Client

PASSWORD = "correct horse battery"


def person(name: str, *rights: str) -> User:
    """A login that holds exactly the rights `notifications.<right>`."""
    user = User.objects.create_user(name, password=PASSWORD)
    found = Permission.objects.filter(
        content_type__app_label="notifications", codename__in=rights
    )
    assert found.count() == len(rights), f"one of {rights} is no right"
    user.user_permissions.set(found)
    return user


def session_of(user: User) -> str:
    """The value of the session cookie of a person who has just logged in."""
    client = Client()
    client.force_login(user, "pushdash.logins.Logins")
    return client.cookies[settings.SESSION_COOKIE_NAME].value
