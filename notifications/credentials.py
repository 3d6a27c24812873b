"""Keys at rest: sealed with the key ring, opened only to sign; and where they are used."""

from __future__ import annotations

from dataclasses import replace

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext

from notifications.apns import PRODUCTION, SANDBOX, Proxy, Server
from notifications.models import BeaconSecret, Credential, SharedToken


class CredentialError(Exception):
    """A key that cannot be read, sealed or opened; the text says what to do."""


def seal(pem: str) -> bytes:
    """The key, encrypted with the newest key of the ring."""
    return _ring().encrypt(pem.encode())


def unseal(sealed: bytes) -> str:
    """The PEM text of a sealed key. Raises CredentialError when no key of the ring fits."""
    try:
        return _ring().decrypt(bytes(sealed)).decode()
    except InvalidToken:
        raise CredentialError(
            gettext(
                "the key was sealed with an encryption key this machine does not have: "
                "upload the .p8 again, or restore PUSHDASH_ENCRYPTION_KEYS"
            )
        ) from None


@transaction.atomic
def reseal_all() -> int:
    """Seal every key, secret and shared token with the newest key of the ring; how many keys.

    All or none: raises CredentialError for the first that cannot be opened.
    """
    credentials = list(Credential.objects.select_for_update().order_by("pk"))
    for credential in credentials:
        credential.sealed_key = seal(unseal(credential.sealed_key))
    Credential.objects.bulk_update(credentials, ["sealed_key"])
    secrets = list(BeaconSecret.objects.select_for_update().order_by("pk"))
    for secret in secrets:
        secret.sealed = seal(unseal(secret.sealed))
    BeaconSecret.objects.bulk_update(secrets, ["sealed"])
    for token in SharedToken.objects.select_for_update().order_by("pk"):
        try:
            sealed = seal(unseal(token.sealed))
        except CredentialError:
            token.delete()  # nobody can read it, so nobody uses it
        else:
            SharedToken.objects.filter(pk=token.pk).update(sealed=sealed)
    return len(credentials)


def _ring() -> MultiFernet:
    keys = settings.PUSHDASH_ENCRYPTION_KEYS
    if not keys:
        raise CredentialError(gettext("PUSHDASH_ENCRYPTION_KEYS is not set"))
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        raise CredentialError(f"PUSHDASH_ENCRYPTION_KEYS: {error}") from error


def check_p8(pem: str) -> str:
    """The PEM text of an Apple `.p8` key, tidied. Raises CredentialError for anything else."""
    text = pem.strip() + "\n"
    try:
        key = serialization.load_pem_private_key(text.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise CredentialError(
            gettext("this is no .p8 key: it begins with BEGIN PRIVATE KEY")
        ) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise CredentialError(
            gettext("Apple's keys are elliptic (P-256); this one is not")
        )
    return text


def server_of(credential: Credential) -> Server:
    """The APNs server a credential speaks to; Apple's through the proxy, where one is set.

    Raises CredentialError for a proxy that is none.
    """
    if credential.server == Credential.Server.PRODUCTION:
        return replace(PRODUCTION, proxy=proxy_of(settings.APNS_PROXY))
    if credential.server == Credential.Server.SANDBOX:
        return replace(SANDBOX, proxy=proxy_of(settings.APNS_PROXY))
    return Server(credential.host, credential.port, credential.ca_pem or None)


def proxy_of(text: str) -> Proxy | None:
    """`host:port`; None for an empty text. Raises CredentialError for anything else."""
    if not text:
        return None
    host, _, port = text.removeprefix("http://").rstrip("/").rpartition(":")
    if not host or not port.isdecimal():
        raise CredentialError(f"PUSHDASH_APNS_PROXY: {text!r} is no host:port")
    return Proxy(host, int(port))
