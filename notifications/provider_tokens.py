"""The shelf of provider tokens in PostgreSQL: it outlives workers and a flushed Redis.

Called from the loop's helper threads, rarely: each call opens and closes its connection.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction

from notifications.apns import NotProcessed, ProviderToken
from notifications.credentials import CredentialError, seal, unseal
from notifications.models import SharedToken


class SharedShelf:
    """`notifications.apns.Shelf` over the rows of SharedToken."""

    def take(self, name: str) -> ProviderToken | None:
        """The token that stands there, None without one that can be opened."""
        with reaching():
            return _opened(SharedToken.objects.filter(name=name).first())

    def put(
        self, name: str, token: ProviderToken, old: ProviderToken | None
    ) -> ProviderToken:
        """Put `token` in place of `old`, unless another process was faster."""
        with reaching(), transaction.atomic():
            row, is_new = SharedToken.objects.select_for_update().get_or_create(
                name=name, defaults=_fields(token)
            )
            standing = None if is_new else _opened(row)
            if standing is not None and standing != old:
                return standing
            SharedToken.objects.filter(name=name).update(**_fields(token))
            return token


@contextmanager
def reaching() -> Iterator[None]:
    """The database for one short visit of this thread. Raises NotProcessed when away."""
    try:
        yield
    except OperationalError as error:
        raise NotProcessed(f"the database is away: {error}") from error
    finally:
        connection.close()


def _fields(token: ProviderToken) -> dict:
    return {"sealed": seal(token.text), "issued_at": token.issued_at}


def _opened(row: SharedToken | None) -> ProviderToken | None:
    if row is None:
        return None
    try:
        return ProviderToken(unseal(row.sealed), row.issued_at)
    except CredentialError:
        return None  # sealed with a key that is gone: as good as none
