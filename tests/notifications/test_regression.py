"""A bad release, a drop of the platform, chance: each table row is one app's versions."""

from __future__ import annotations

import random

import pytest

from notifications.proportions import Tally
from notifications.regression import Release, regressions

#: `48/1000` = 48 of 1,000 judged calls were unhandled; now, before.
CASES = {
    "all is well": ([("6.2.0", "50/1000", "48/1000")], []),
    "a new release is bad, the old one is well": (
        [("6.2.1", "128/412", "0/0"), ("6.2.0", "30/600", "240/5000")],
        [("release", "6.2.1", "128/412", "240/5000")],
    ),
    "a release turns bad in its life": (
        [("6.2.1", "128/412", "20/400"), ("6.2.0", "30/600", "240/5000")],
        [("release", "6.2.1", "128/412", "20/400")],
    ),
    "two bad releases, the worse one first": (
        [
            ("6.2.2", "60/200", "0/0"),
            ("6.2.1", "120/300", "0/0"),
            ("6.2.0", "30/600", "240/5000"),
        ],
        [
            ("release", "6.2.1", "120/300", "240/5000"),
            ("release", "6.2.2", "60/200", "240/5000"),
        ],
    ),
    "an old version was always bad": (
        [("4.0", "120/400", "900/3000"), ("6.2.0", "30/600", "240/5000")],
        [],
    ),
    "every version drops: nobody's release": (
        [("6.2.1", "90/400", "20/400"), ("6.2.0", "130/600", "240/5000")],
        [("platform", "", "220/1000", "260/5400")],
    ),
    "every version drops, the new one far more": (
        [("6.2.1", "320/400", "0/0"), ("6.2.0", "130/600", "240/5000")],
        [
            ("platform", "", "450/1000", "240/5000"),
            ("release", "6.2.1", "320/400", "240/5000"),
        ],
    ),
    "the only version in use drops: no telling": (
        [("6.2.1", "128/412", "0/0"), ("6.2.0", "0/3", "240/5000")],
        [("unclear", "6.2.1", "128/412", "240/5000")],
    ),
    "few calls of many versions together show that the others are well": (
        [("6.2.1", "128/412", "0/0")]
        + [(f"5.{minor}", "1/20", "9/200") for minor in range(9)],
        [("release", "6.2.1", "128/412", "81/1800")],
    ),
    "too few calls": ([("6.2.1", "20/49", "0/0"), ("6.2.0", "1/600", "1/900")], []),
    "an app without a past": ([("1.0", "400/500", "0/0")], []),
    "a bad release of an app without a past: its other version is well": (
        [("6.2.1", "128/412", "0/0"), ("6.2.0", "30/600", "0/0")],
        [("release", "6.2.1", "128/412", "30/600")],
    ),
    "an app without a past whose versions are all alike": (
        [("6.2.1", "128/412", "0/0"), ("6.2.0", "190/600", "0/0")],
        [],
    ),
    "nothing judged": ([("1.0", "0/0", "0/0")], []),
    "no versions": ([], []),
}


def tally(text: str) -> Tally:
    return Tally(*map(int, text.split("/")))


@pytest.mark.parametrize(("releases", "expected"), CASES.values(), ids=CASES)
def test_whose_fault_it_is(releases, expected):
    found = regressions(
        [Release(name, tally(now), tally(before)) for name, now, before in releases]
    )
    told = [(one.kind, one.version, one.now, one.before) for one in found]
    assert told == [(*one[:2], tally(one[2]), tally(one[3])) for one in expected]


def test_chance_alone_raises_few_alarms():
    """1,000 evenings of six equal versions, 6,000 comparisons: 3 are to be expected."""
    chance = random.Random(1)

    def drawn(judged: int) -> Tally:
        return Tally(sum(chance.random() < 0.06 for _ in range(judged)), judged)

    alarms = sum(
        bool(regressions([Release(str(n), drawn(60), drawn(300)) for n in range(6)]))
        for _ in range(1000)
    )
    assert alarms <= 5
