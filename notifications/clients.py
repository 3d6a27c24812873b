"""One APNs client for each credential and process, made when first needed.

Two credentials share no connection, and none is kept that nobody pushes with any more.
"""

from __future__ import annotations

import os
from datetime import datetime

from django.db.models import Q

from notifications.apns import Certificate, Client, Key, ProviderTokens, threads
from notifications.credentials import server_of, unseal
from notifications.models import Credential
from notifications.provider_tokens import SharedShelf

#: Process and credential → what the client was made from, and the client. A process that
#: was forked has nothing to do with those of its parent.
_clients: dict[tuple[int, int], tuple[tuple, Client]] = {}


def client_for(credential: Credential) -> Client:
    """The client of this credential; a changed credential gets a new one.

    Raises CredentialError (`notifications.credentials`) when its key cannot be opened.
    """
    place, mark = (os.getpid(), credential.pk), _mark_of(credential)
    made_from, client = _clients.get(place, (None, None))
    if made_from != mark:
        let_go(credential.pk)
        tokens = ProviderTokens(SharedShelf())
        client = Client(_shown(credential), server_of(credential), tokens)
        _clients[place] = mark, client
    return client


def let_go(pk: int) -> None:
    """Close the client of this credential, if there is one, once nothing is under way."""
    _, client = _clients.pop((os.getpid(), pk), (None, None))
    if client is not None:
        threads.start(client.retire())


def let_go_of_refused(now: datetime) -> None:
    """Close the clients whose credential APNs refuses, or which is stored no more.

    Apple: after a revoked key or certificate close all connections, then open new ones.
    """
    mine = {pk for pid, pk in _clients if pid == os.getpid()}
    if not mine:
        return
    refused = Q(paused_until__gt=now) & ~Q(pause_reason="TooManyProviderTokenUpdates")
    kept = Credential.objects.filter(pk__in=mine).exclude(refused)
    for pk in mine - set(kept.values_list("pk", flat=True)):
        let_go(pk)


def _mark_of(credential: Credential) -> tuple:
    return (
        bytes(credential.sealed_key),
        credential.kind,
        credential.team_id,
        credential.key_id,
        credential.server,
        credential.host,
        credential.port,
        credential.ca_pem,
    )


def _shown(credential: Credential) -> Key | Certificate:
    pem = unseal(credential.sealed_key)
    if credential.kind == Credential.Kind.CERTIFICATE:
        return Certificate(pem)
    return Key(team_id=credential.team_id, key_id=credential.key_id, pem=pem)
