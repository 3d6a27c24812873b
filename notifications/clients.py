"""One APNs client for each credential and process, made when first needed."""

from __future__ import annotations

import os

from notifications.apns import Certificate, Client, Key, ProviderTokens
from notifications.credentials import server_of, unseal
from notifications.models import Credential
from notifications.provider_tokens import SharedShelf

_clients: dict[tuple, Client] = {}


def client_for(credential: Credential) -> Client:
    """The client of this credential; a changed credential gets a new one.

    Raises CredentialError (`notifications.credentials`) when its key cannot be opened.
    """
    mark = (
        os.getpid(),
        credential.pk,
        bytes(credential.sealed_key),
        credential.kind,
        credential.team_id,
        credential.key_id,
        credential.server,
        credential.host,
        credential.port,
        credential.ca_pem,
    )
    if mark not in _clients:
        _clients[mark] = Client(
            _shown(credential), server_of(credential), ProviderTokens(SharedShelf())
        )
    return _clients[mark]


def _shown(credential: Credential) -> Key | Certificate:
    pem = unseal(credential.sealed_key)
    if credential.kind == Credential.Kind.CERTIFICATE:
        return Certificate(pem)
    return Key(team_id=credential.team_id, key_id=credential.key_id, pem=pem)
