"""Logged-in people of each group, and a house with something to look at."""

from __future__ import annotations

from datetime import timedelta

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from notifications.credentials import seal
from notifications.models import App, Credential, Push
from registrations.models import Device
from tests import factories


def new_key(curve: ec.EllipticCurve | None = None) -> str:
    """A fresh `.p8` key."""
    key = ec.generate_private_key(curve or ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def person(group: str) -> User:
    """The one person of that group."""
    user, is_new = User.objects.get_or_create(username=f"{group}-person")
    if is_new:
        user.groups.add(Group.objects.get(name=group))
    return user


def browser_of(group: str | None, *, checks_csrf: bool = False) -> Client:
    """A client logged in as that person; None is nobody."""
    client = Client(enforce_csrf_checks=checks_csrf)
    if group is not None:
        client.force_login(person(group))
    return client


def credential_of(app: App) -> Credential:
    """A sandbox credential, so that pushes can be queued."""
    return Credential.objects.create(
        app=app,
        environment="sandbox",
        team_id="TEAM123456",
        key_id="KEY1234567",
        sealed_key=seal(new_key()),
        server=Credential.Server.SANDBOX,
        port=443,
        created_at=timezone.now(),
    )


def reachable_device(aor: str = "sip:alice@example.org") -> Device:
    """A bound device whose app has a key: a push to it can be queued."""
    credential_of(factories.app())
    factories.feed(seen_until=timezone.now())
    return factories.registered_device(aor)


def old_push(device: Device, push_type: str = "voip") -> Push:
    """A push of an hour ago that APNs took."""
    moment = timezone.now() - timedelta(hours=1)
    return factories.accepted_push(device, moment, push_type=push_type)
