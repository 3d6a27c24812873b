"""How a client shows APNs who it is: a provider token in each request, or a certificate when
it connects. Each makes aioapns's client with the pool that fits.
"""

from __future__ import annotations

import hashlib
import os
import ssl
from dataclasses import dataclass

from aioapns import APNs

from .errors import NotProcessed
from .provider_token import Key, ProviderTokens

#: aioapns wants one topic for all pushes; ours is set for each.
EACH_ITS_OWN = "set for each push"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A client certificate with its chain and its private key, one PEM text."""

    pem: str

    @property
    def name(self) -> str:
        """Tells this certificate from every other."""
        return hashlib.sha256(self.pem.encode()).hexdigest()[:16]


class ByKey:
    """A `.p8` key: one provider token for all who share `tokens`."""

    by_token = True

    def __init__(self, key: Key, tokens: ProviderTokens) -> None:
        self._key, self._tokens = key, tokens

    async def refresh(self) -> None:
        """Have a provider token that is young enough. Raises NotProcessed."""
        await self._tokens.current(self._key)

    def newest(self) -> str:
        """The provider token to send with, after `refresh`."""
        return self._tokens.newest(self._key)

    async def renewed(self, refused: str) -> str:
        """After ExpiredProviderToken: the token for the next try."""
        return await self._tokens.renewed(self._key, refused)

    def apns(self, tls: ssl.SSLContext) -> APNs:
        """aioapns's client. Raises NotProcessed for what cannot be used."""
        return APNs(
            key=self._key.pem,
            key_id=self._key.key_id,
            team_id=self._key.team_id,
            topic=EACH_ITS_OWN,
            ssl_context=tls,
        )


class ByCertificate:
    """A certificate: no request carries a token."""

    by_token = False

    def __init__(self, certificate: Certificate) -> None:
        self._certificate = certificate

    async def refresh(self) -> None:
        return

    def newest(self) -> str:
        return ""

    async def renewed(self, refused: str) -> str:
        return refused

    def apns(self, tls: ssl.SSLContext) -> APNs:
        """aioapns's client. Raises NotProcessed for what cannot be used.

        `ssl` reads certificates from files alone: this one never touches a disk.
        """
        memory = os.memfd_create("apns", os.MFD_CLOEXEC)
        try:
            os.write(memory, self._certificate.pem.encode())
            path = f"/proc/self/fd/{memory}"
            return APNs(client_cert=path, topic=EACH_ITS_OWN, ssl_context=tls)
        except ssl.SSLError as error:
            raise NotProcessed(f"the certificate cannot be used: {error}") from error
        finally:
            os.close(memory)


def proof_of(shown: Key | Certificate, tokens: ProviderTokens | None):
    """The way to show it; without `tokens` provider tokens last as long as the client."""
    if isinstance(shown, Certificate):
        return ByCertificate(shown)
    return ByKey(shown, tokens or ProviderTokens())
