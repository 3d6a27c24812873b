"""The secrets of SIP servers: given once, kept as digests, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime
from ipaddress import ip_address, ip_network

from notifications.models import GatewayKey


def digest_of(secret: str) -> str:
    """Of 256 random bits no slow hash is needed: there is nothing to guess."""
    return hashlib.sha256(secret.encode("utf-8", "backslashreplace")).hexdigest()


def give_key(name: str, networks: list[str], now: datetime) -> str:
    """A new secret of `name`; the one before is void.

    Raises ValueError for a network that is none.
    """
    secret = secrets.token_urlsafe(32)
    kept = [str(ip_network(network)) for network in networks]
    GatewayKey.objects.update_or_create(
        name=name,
        defaults={"digest": digest_of(secret), "networks": kept, "created_at": now},
    )
    return secret


def key_of(secret: str, address: str) -> GatewayKey | None:
    """The key this is the secret of, if it may be used from `address`."""
    given = digest_of(secret)
    # Every key is compared, so that time tells nothing.
    keys = [
        key
        for key in GatewayKey.objects.all()
        if hmac.compare_digest(key.digest, given)
    ]
    return next((key for key in keys if _is_allowed(key, address)), None)


def _is_allowed(key: GatewayKey, address: str) -> bool:
    if not key.networks:
        return True
    try:
        peer = ip_address(address)
    except ValueError:
        return False  # a unix socket: no address to compare
    return any(peer in ip_network(network) for network in key.networks)
