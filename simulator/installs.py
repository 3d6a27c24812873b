"""What Apple's side knows: which tokens are whose, and those of installs that are gone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from simulator.clock import moment_of
from simulator.phone import Phone


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What Apple's side knows of a token. `retired_at`: no longer installed since then."""

    phone: str
    kind: str
    bundle_id: str
    environment: str
    retired_at: datetime | None


class Installs:
    """Tokens, in any case of letters."""

    def __init__(self, phones: Mapping[str, Phone], retired: dict[str, list]) -> None:
        self._phones = phones
        #: Tokens that are gone: token → [phone, kind, bundle, environment, ms].
        self.retired = retired
        self._tokens: dict[str, tuple[str, str]] = {}
        for phone in phones.values():
            self.learn(phone)

    def learn(self, phone: Phone) -> None:
        """The tokens the phone has now are good."""
        if phone.is_installed:
            self._tokens[phone.voip_token.lower()] = phone.name, "voip"
            self._tokens[phone.remote_token.lower()] = phone.name, "remote"

    def retire(self, phone: Phone, at_ms: int) -> None:
        """The tokens the phone has now are no longer."""
        for token in (phone.voip_token, phone.remote_token):
            known = self._tokens.get(token.lower())
            if known is not None:
                row = [*known, phone.bundle_id, phone.environment, at_ms]
                self.retired[token.lower()] = row

    def owner(self, token: str) -> str:
        """The phone a good token belongs to. Raises KeyError."""
        return self._tokens[token.lower()][0]

    def find(self, token: str) -> Known | None:
        """What is known of a token."""
        key = token.lower()
        if key in self.retired:
            name, kind, bundle_id, environment, at_ms = self.retired[key]
            gone = moment_of(at_ms)
        elif key in self._tokens:
            name, kind = self._tokens[key]
            bundle_id = self._phones[name].bundle_id
            environment, gone = self._phones[name].environment, None
        else:
            return None
        return Known(
            phone=name,
            kind=kind,
            bundle_id=bundle_id,
            environment=environment,
            retired_at=gone,
        )
