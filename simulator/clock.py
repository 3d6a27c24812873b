"""Moments as milliseconds since 1970, and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def ms(moment: datetime) -> int:
    """Milliseconds since the epoch."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def moment_of(at_ms: int) -> datetime:
    """The aware UTC moment of such a number."""
    return EPOCH + timedelta(milliseconds=at_ms)
