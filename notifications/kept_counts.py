"""Counts that stand on many pages, asked for anew only now and then where a house is large.

Each worker process keeps its own, for `KEEP` at most. A house of at most `COUNTED` devices
keeps none: its numbers are always those of now.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from notifications.at_once import COUNTED, Question, answers, up_to_limit
from registrations.models import Device

KEEP = timedelta(seconds=30)
EMPTY: Mapping[str, Question] = MappingProxyType({})
_kept: dict[str, tuple[datetime, int]] = {}


def counts(
    asked: Mapping[str, Question], now: datetime, fresh: Mapping[str, Question] = EMPTY
) -> dict[str, int]:
    """The number of each name, in one question or none; what is said of `fresh` is of now."""
    found = {
        name: number
        for name, (at, number) in _kept.items()
        if name in asked and at <= now < at + KEEP
    }
    wanted = {name: one for name, one in asked.items() if name not in found} | fresh
    if wanted:
        *numbers, devices = answers(*wanted.values(), up_to_limit(Device.objects.all()))
        new = dict(zip(wanted, numbers, strict=True))
        if devices > COUNTED:
            kept = new.keys() - fresh.keys()
            _kept.update({name: (now, new[name]) for name in kept})
        found |= new
    return found


def forget() -> None:
    """Ask for every number anew."""
    _kept.clear()
