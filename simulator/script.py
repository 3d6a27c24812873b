"""What befalls the phones of the rehearsal: apps that break, users who reinstall, phones off.

Only the phones' lives are written here, never a verdict: a part says when an app broke, and
the calls that come after do the rest. The callers' schedule is known beforehand, so a part
can begin between two calls.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from random import Random

from simulator.callers import Call
from simulator.fleet import Fleet
from simulator.phone import FOREVER, Phone
from simulator.population import LINPHONE

BEFORE = timedelta(seconds=30)
#: How often somebody else's app breaks while the demo runs, and for how long it is planned.
NEWS_EVERY = timedelta(minutes=6)
NEWS_FOR = timedelta(hours=12)
REINSTALL_AFTER = timedelta(minutes=40)

#: part → index of its phone. The weights below make them called often or seldom.
CAST = {
    "blocked": [0, 1, 2],
    "two": [3, 4, 5],
    "one": [6, 7],
    "silent": [8],
    "recovered": [9],
    "reinstalled": [10],
    "restored": [11],
    "late": [12],
    "deleted": [13, 14],
    "misplaced": [15],
    "loggedout": [16],
}
WEIGHTS = {"blocked": 2.0, "two": 1.6, "silent": 1.5, "deleted": 1.3, "misplaced": 1.2}
#: A release that leaves some calls unhandled, and who has updated to it.
BAD_RELEASE = "LinphoneiOS/6.2.1 (iPhone 13) LinphoneSDK/5.4.2"
UPDATED, BAD_SHARE = range(18, 42), 0.2
DAY_SECONDS = 86_400


def dress(phones: list[Phone]) -> None:
    """Give the players what their part needs, before the first call."""
    for part, indexes in CAST.items():
        for index in indexes:
            phones[index].weight = WEIGHTS.get(part, 1.0)
    for part in ("deleted", "misplaced", "silent"):
        for index in CAST[part]:
            phones[index].expires = DAY_SECONDS
    for part in ("blocked", "two", "one", "recovered", "reinstalled"):
        for index in CAST[part]:
            phones[index].is_restless = True
    # The first of the twos is called at every turn: viewers see its third strike happen.
    phones[CAST["two"][0]].weight = 30.0
    for index in CAST["misplaced"]:
        phones[index].environment = "sandbox"  # a debug build that claims `apns`


def direct(fleet: Fleet, calls: list[Call], start: datetime, now: datetime) -> None:
    """Plan every part between `start` and `now`, and the news of the hours after."""
    phones = list(fleet.phones.values())
    rings: dict[str, list[datetime]] = defaultdict(list)
    for call in calls:
        if call.push_type == "voip":
            rings[call.aor].append(call.at)
    hours = now - start
    for part, indexes in CAST.items():
        for phone in (phones[index] for index in indexes):
            _play(part, fleet, phone, rings[phone.accounts[0]], start, hours)
    for index in UPDATED:
        if phones[index].bundle_id == LINPHONE:
            facts = {"share": BAD_SHARE, "user_agent": BAD_RELEASE}
            fleet.plan(start, "break", phones[index].name, **facts)
    _plan_news(fleet, phones[20:], now)


def _play(
    part: str,
    fleet: Fleet,
    phone: Phone,
    rings: list[datetime],
    start: datetime,
    hours: timedelta,
) -> None:
    middle = start + hours / 2
    if part in OF_CALLS and not rings:
        return  # in a short past nobody called this phone
    if part in BREAKS:
        last, pushes = BREAKS[part]
        fleet.plan(_before(rings, last), "break", phone.name, pushes=pushes)
    elif part == "silent":
        fleet.plan(_before(rings, 4), "vanish", phone.name)
    elif part == "reinstalled":
        fleet.plan(start + hours / 4, "break", phone.name, pushes=FOREVER)
        fleet.plan(middle, "reinstall", phone.name)
    elif part == "late":
        fleet.plan(start + hours * 0.8, "slow", phone.name, by_ms=45_000)
    elif part in SIMPLE:
        share, action = SIMPLE[part]
        fleet.plan(start + hours * share, action, phone.name)


#: part → before its how-many-th last call the app breaks, and for how many VoIP pushes.
BREAKS = {
    "blocked": (6, FOREVER),
    "two": (2, FOREVER),
    "one": (1, FOREVER),
    "recovered": (5, 2),
}
#: Parts that begin before a call.
OF_CALLS = {*BREAKS, "silent"}
SIMPLE = {
    "restored": (0.5, "restore"),
    "deleted": (0.3, "delete"),
    "loggedout": (0.6, "logout"),
}


def _before(rings: list[datetime], last: int) -> datetime:
    """Just before the `last`-th last call of a phone."""
    return rings[-min(last, len(rings))] - BEFORE


def _plan_news(fleet: Fleet, phones: Iterable[Phone], now: datetime) -> None:
    """Apps go on breaking, most for a call or two, some until the user reinstalls."""
    chance = Random(f"{fleet.seed}/news")
    candidates = [phone for phone in phones if phone.weight > 0 and not phone.is_kiosk]
    at = now + NEWS_EVERY
    while at < now + NEWS_FOR:
        phone = chance.choice(candidates)
        pushes = chance.choice([1, 1, 2, 2, FOREVER])
        fleet.plan(at, "break", phone.name, pushes=pushes)
        if pushes == FOREVER:
            fleet.plan(at + REINSTALL_AFTER, "reinstall", phone.name)
        at += NEWS_EVERY * chance.uniform(0.6, 1.4)
