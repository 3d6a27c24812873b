"""Counts that stand on many pages, asked for anew only now and then where a house is large.

Each worker process keeps its own: for `KEEP`, and then until they are counted anew beside the
pages, which wait for that only where nobody asked for `LONGEST`. One that takes long to count
is kept longer. A house of at most `COUNTED` devices keeps none: its numbers are those of now.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from threading import Lock, Thread
from types import MappingProxyType
from typing import NamedTuple

from django.db import connection

from notifications.at_once import COUNTED, Question, answers, up_to_limit
from registrations.models import Device

KEEP, LONGEST = timedelta(seconds=30), timedelta(seconds=90)
#: Counting a number takes one part in `SHARE` of a core at most, but for those that take
#: longest.
SHARE, MOST_KEPT = 300, timedelta(minutes=3)
#: A number beyond this may be a moment old though others of its kind may not.
GREAT = 1_000
#: Made only where it is asked: to put a question together takes longer than to keep its answer.
Ask = Callable[[], Question]
NOTHING: Mapping[str, Ask] = MappingProxyType({})


class Kept(NamedTuple):
    """A number as of a moment; `is_great`: one more or less tells nobody anything. `longer`:
    than others it is kept, for it takes long to count.
    """

    at: datetime
    number: int
    is_great: bool
    longer: timedelta


_kept: dict[str, Kept] = {}
_renewing = Lock()


def counts(
    asked: Mapping[str, Ask], now: datetime, fresh: Mapping[str, Ask] = NOTHING
) -> dict[str, int]:
    """The number of each name, in one question or none; what is said of `fresh` is of now,
    but for limited numbers beyond `GREAT`.
    """
    whole = {**asked, **fresh}
    known = {name: _shown(name, fresh, now) for name in whole}
    kept = {name: one for name, one in known.items() if one is not None}
    wanted = {name: ask for name, ask in whole.items() if name not in kept}
    found = {name: one.number for name, one in kept.items()}
    old = {
        name: whole[name]
        for name, one in kept.items()
        if now >= one.at + KEEP + one.longer
    }
    if old:
        renew(old, now)
    return found | _counted(wanted, now, fresh) if wanted else found


def _shown(name: str, fresh: Mapping[str, Ask], now: datetime) -> Kept | None:
    one = _kept.get(name)
    if one is None or now < one.at:
        return None
    is_of_use = one.is_great if name in fresh else True
    longest = KEEP if name in fresh else LONGEST
    return one if is_of_use and now < one.at + longest + one.longer else None


def renew(asked: Mapping[str, Ask], now: datetime) -> Thread | None:
    """Count these in a thread of their own, unless one does so already."""
    if not _renewing.acquire(blocking=False):
        return None
    thread = Thread(target=_renew, args=(asked, now), name="counts", daemon=True)
    thread.start()
    return thread


def _renew(asked: Mapping[str, Ask], now: datetime) -> None:
    """One by one, and as long a pause after each: half of a core is left to the pages."""
    try:
        for name, ask in asked.items():
            began = time.monotonic()
            _counted({name: ask}, now, NOTHING)
            took = time.monotonic() - began
            if name in _kept:
                _kept[name] = _kept[name]._replace(longer=longer(took))
            time.sleep(took)
    finally:
        connection.close()
        _renewing.release()


def longer(took: float) -> timedelta:
    """How much longer than others a number is kept that took so many seconds to count."""
    return max(timedelta(), min(timedelta(seconds=SHARE * took), MOST_KEPT) - KEEP)


def _counted(
    wanted: Mapping[str, Ask], now: datetime, fresh: Mapping[str, Ask]
) -> dict[str, int]:
    questions = {name: ask() for name, ask in wanted.items()}
    everybody = up_to_limit(Device.objects.all())
    *numbers, devices = answers(*questions.values(), everybody)
    found = dict(zip(questions, numbers, strict=True))
    for name, number in found.items():
        is_great = questions[name].is_limited and number > GREAT
        if devices > COUNTED and (name not in fresh or is_great):
            _kept[name] = Kept(now, number, is_great, timedelta())
        else:
            _kept.pop(name, None)
    return found


def forget() -> None:
    """Ask for every number anew."""
    _kept.clear()
