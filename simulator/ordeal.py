"""A fleet to which everything happens: what a scored rehearsal runs on. Knows no product.

Roles are drawn by seed. Healthy phones, a bad build that fails by chance, builds that fail
always, phones off for minutes to days, out of reach again and again, started and not unlocked,
kept open, swiped away, on a slow network, reinstalled, restored, logged out and in again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from simulator.callers import CALLERS
from simulator.fleet import Fleet
from simulator.flexisip_log import DOMAIN, word
from simulator.phone import FOREVER, Phone
from simulator.population import AGENTS, HOUR_MS, LINPHONE, MODELS, make

BAD_BUILD = "LinphoneiOS/6.2.1 ({model}) LinphoneSDK/5.4.2"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
#: Everybody registers first.
MORNING = 10 * MINUTE
#: role → its share of the fleet; the rest is healthy.
SHARES = {
    "bad_build": 0.12,
    "broken": 0.04,
    "off": 0.08,
    "flaky": 0.03,
    "locked": 0.04,
    "open": 0.05,
    "quit": 0.05,
    "slow": 0.02,
    "reinstalled": 0.03,
    "restored": 0.02,
    "logged_out": 0.02,
}
ALERT_SHARE, REPEAT_SHARE, WITHDRAWN_SHARE = 0.12, 0.06, 0.02
#: A caller that hears nothing: Flexisip repeats the push after so long.
REPEAT_AFTER = timedelta(seconds=5)
#: And the caller tries again after so long.
REDIAL_MINUTES = (1, 12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """A call, or a message, for one phone. `copies`: how often its push is repeated.
    `tries`: how often the caller calls again while the phone does not ring; `since`: when
    the first of them was.
    """

    at: datetime
    phone: str
    push_type: str
    call_id: str
    caller: str
    copies: int = 0
    is_withdrawn: bool = False
    tries: int = 0
    since: datetime | None = None

    @property
    def aor(self) -> str:
        """Whom it is for."""
        return f"sip:{self.phone}@{DOMAIN}"


def phones(
    seed: int, proxy: str, count: int, shares: Mapping[str, float] = SHARES
) -> dict[str, list[Phone]]:
    """role → its phones, each registered at one proxy."""
    chance = Random(f"{seed}/{proxy}/phones")
    cast: dict[str, list[Phone]] = {}
    for number in range(count):
        role = _role(chance.random(), shares)
        cast.setdefault(role, []).append(_phone(f"{proxy}{number}", role, chance))
    return cast


def _role(draw: float, shares: Mapping[str, float]) -> str:
    for role, share in shares.items():
        if draw < share:
            return role
        draw -= share
    return "healthy"


def _phone(name: str, role: str, chance: Random) -> Phone:
    agent = chance.choice(AGENTS[LINPHONE]).format(model=chance.choice(MODELS))
    phone = make(f"sip:{name}@{DOMAIN}", chance, user_agent=agent)
    phone.expires = 86_400
    phone.opens_every_ms = int(chance.uniform(1.5, 6) * HOUR_MS)
    phone.is_restless = chance.random() < 0.5
    # People look when they look: some at once, which no log can tell from waking.
    phone.look_ms = [15_000, 20 * 60_000]
    if role == "open":
        phone.opens_every_ms = HOUR_MS // 2
        phone.open_ms, phone.keeps_connection = [60_000, 600_000], True
    return phone


def direct(
    fleet: Fleet, cast: dict[str, list[Phone]], start: datetime, end: datetime
) -> None:
    """Plan what befalls each phone between `start` and `end`."""
    for role, members in cast.items():
        for phone in members:
            chance = Random(f"{fleet.seed}/{phone.name}/fate")
            fleet.plan(start + MORNING * chance.random() * 0.9, "open", phone.name)
            first = start + MORNING + (end - start - MORNING) * chance.random() * 0.7
            for at, action, facts in FATES.get(role, _nothing)(first, end, chance):
                if at < end:
                    fleet.plan(at, action, phone.name, **facts)


Fate = Iterator[tuple[datetime, str, dict]]


def _bad_build(first: datetime, _: datetime, chance: Random) -> Fate:
    agent = BAD_BUILD.format(model=chance.choice(MODELS))
    yield first, "break", {"share": 0.6, "user_agent": agent}
    if chance.random() < 0.3:
        yield first + HOUR * chance.uniform(4, 20), "reinstall", {}


def _broken(first: datetime, _: datetime, chance: Random) -> Fate:
    yield first, "break", {"pushes": FOREVER}
    if chance.random() < 0.5:
        yield first + HOUR * chance.uniform(3, 20), "reinstall", {}


def _off(first: datetime, end: datetime, chance: Random) -> Fate:
    yield from _absences(first, end, (5 * MINUTE, 30 * HOUR), 3 * HOUR, chance)


def _flaky(first: datetime, end: datetime, chance: Random) -> Fate:
    yield from _absences(first, end, (MINUTE, 12 * MINUTE), 20 * MINUTE, chance)


def _locked(first: datetime, _: datetime, chance: Random) -> Fate:
    yield first, "lock", {}
    yield first + HOUR * chance.uniform(0.5, 12), "unlock", {}


def _quit(first: datetime, _: datetime, chance: Random) -> Fate:
    for _ in range(4):
        yield first, "quit", {}
        first += HOUR * chance.uniform(2, 8)


def _slow(first: datetime, _: datetime, chance: Random) -> Fate:
    yield first, "slow", {"by_ms": chance.randint(20_000, 80_000)}
    yield first + HOUR * chance.uniform(1, 8), "slow", {"by_ms": 0}


def _reinstalled(first: datetime, _: datetime, chance: Random) -> Fate:
    yield first, "reinstall", {}


def _restored(first: datetime, _: datetime, chance: Random) -> Fate:
    yield first, "restore", {}


def _logged_out(first: datetime, _: datetime, chance: Random) -> Fate:
    yield first, "logout", {}
    yield first + HOUR * chance.uniform(0.2, 6), "look", {}


def _absences(
    at: datetime,
    end: datetime,
    lengths: tuple[timedelta, timedelta],
    between: timedelta,
    chance: Random,
) -> Fate:
    """Gone and back, and at the return the app registers where the network wakes it."""
    shortest, longest = lengths
    while at < end:
        yield at, "vanish", {}
        # Short absences are the most frequent.
        at += shortest * (longest / shortest) ** chance.random()
        yield at, "return", {}
        if chance.random() < 0.5:
            yield at + timedelta(seconds=chance.uniform(2, 60)), "look", {}
        at += between * chance.uniform(0.3, 2)


def _nothing(first: datetime, _: datetime, chance: Random) -> Fate:
    yield from ()


FATES = {
    "bad_build": _bad_build,
    "broken": _broken,
    "off": _off,
    "flaky": _flaky,
    "locked": _locked,
    "quit": _quit,
    "slow": _slow,
    "reinstalled": _reinstalled,
    "restored": _restored,
    "logged_out": _logged_out,
}


def rings(
    seed: int, members: list[Phone], start: datetime, end: datetime
) -> list[Ring]:
    """Every call and message from the end of the morning on, in order."""
    found = []
    for phone in members:
        chance = Random(f"{seed}/{phone.name}/rings")
        a_day = min(40.0, max(2.0, chance.expovariate(1 / 9)))
        at = start + MORNING
        while (at := at + DAY * chance.expovariate(a_day)) < end:
            found.append(_ring(phone, at, chance))
    return sorted(found, key=lambda ring: (ring.at, ring.phone))


def _ring(phone: Phone, at: datetime, chance: Random) -> Ring:
    is_alert = chance.random() < ALERT_SHARE
    is_repeated = not is_alert and chance.random() < REPEAT_SHARE
    return Ring(
        at=at,
        phone=phone.name,
        push_type="alert" if is_alert else "voip",
        call_id=word(chance, 12),
        caller=f"sip:{chance.choice(CALLERS)}@{DOMAIN}",
        copies=chance.randint(1, 2) if is_repeated else 0,
        is_withdrawn=not is_alert and chance.random() < WITHDRAWN_SHARE,
        tries=0 if is_alert else chance.choice([0, 0, 1, 1, 2, 3]),
    )


def redial(ring: Ring) -> Ring:
    """The caller's next try, minutes later; a call of its own."""
    chance = Random(f"{ring.phone}/{ring.call_id}/again")
    return replace(
        ring,
        at=ring.at + MINUTE * chance.uniform(*REDIAL_MINUTES),
        call_id=word(chance, 12),
        copies=0,
        is_withdrawn=False,
        tries=ring.tries - 1,
        since=ring.since or ring.at,
    )
