"""What the simulated APNs knows of tokens, and whom it hands pushes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A token APNs knows. `status`: valid, unregistered or expired (since, ms of the epoch)."""

    environment: str
    bundle_id: str
    kind: str
    status: str = "valid"
    since_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A push APNs accepted. `received_at`: seconds of the epoch, by the simulator's clock."""

    token: str
    topic: str
    push_type: str
    priority: int
    expiration: int
    apns_id: str
    payload: dict
    received_at: float


class Directory(Protocol):
    """The phones behind APNs."""

    def find(self, token: str) -> Entry | None:
        """What is known of a token (lower case), None when nothing."""

    def deliver(self, delivery: Delivery) -> None:
        """APNs answered 200: the push is on its way to the phone."""
