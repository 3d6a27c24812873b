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
    """The number of each name, in one question or none; what is said of `fresh` is of now,
    but for numbers that stand at their limit.
    """
    whole = {**asked, **fresh}
    found = {
        name: number
        for name, (at, number) in _kept.items()
        if name in whole
        and at <= now < at + KEEP
        and (name not in fresh or _is_full(fresh[name], number))
    }
    wanted = {name: one for name, one in whole.items() if name not in found}
    if wanted:
        *numbers, devices = answers(*wanted.values(), up_to_limit(Device.objects.all()))
        new = dict(zip(wanted, numbers, strict=True))
        if devices > COUNTED:
            _kept.update(
                {
                    name: (now, number)
                    for name, number in new.items()
                    if name not in fresh or _is_full(fresh[name], number)
                }
            )
        found |= new
    return found


def _is_full(question: Question, number: object) -> bool:
    """More of it is not counted."""
    return question.is_limited and number == COUNTED + 1


def forget() -> None:
    """Ask for every number anew."""
    _kept.clear()
