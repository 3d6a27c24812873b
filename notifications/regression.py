"""Which app release stopped waking, told apart from a drop of the whole platform. Pure.

A version is compared with its own days before, a new one with the app's; where the app is new
here too, with the other versions of now. Whose fault a rise is, the other versions say: while
they are well it is the release; when they rise too it is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

from notifications.proportions import Tally, is_worse

#: Judged calls below which a version says nothing.
FLOOR = 50


@dataclass(frozen=True, slots=True)
class Release:
    """A version of one app, in the last hours and in the days before them."""

    version: str
    now: Tally
    before: Tally


@dataclass(frozen=True, slots=True)
class Regression:
    """`kind`: `release`; `platform` (all versions, none named); `unclear`: nothing to compare
    the only version in use with.
    """

    kind: str
    version: str
    now: Tally
    before: Tally


def regressions(releases: Sequence[Release]) -> list[Regression]:
    """What is wrong with the versions of one app, the worst first."""
    measured = _measured(releases)
    before = _total(one.before for one in releases)
    baselines = {one.version: _baseline(one, before, measured) for one in measured}
    risen = [one for one in measured if is_worse(one.now, baselines[one.version])]
    if not risen:
        return []
    well = [one for one in measured if one not in risen]
    named = [one for one in risen if one.version]
    if well:
        return _ranked(_found("release", one, baselines) for one in named)
    if len(risen) == 1:
        return [_found("unclear", risen[0], baselines)]
    # All rose at once: a release is to blame as well only if it is worse than the others now.
    worse = [one for one in named if is_worse(one.now, _others(one, risen))]
    whole = _total(one.now for one in measured)
    platform = Regression("platform", "", whole, before)
    return [platform, *_ranked(_found("release", one, baselines) for one in worse)]


def _measured(releases: Sequence[Release]) -> list[Release]:
    """The versions in use enough; the small ones together, without a name."""
    large = [one for one in releases if one.now.judged >= FLOOR]
    small = [one for one in releases if one.now.judged < FLOOR]
    rest = Release(
        "", _total(one.now for one in small), _total(one.before for one in small)
    )
    return [*large, rest] if rest.now.judged >= FLOOR else large


def _baseline(
    release: Release, app_before: Tally, releases: Sequence[Release]
) -> Tally:
    """The first of these that is large enough: its own days before; those of the app; what
    its other versions do now.
    """
    known = (release.before, app_before, _others(release, releases))
    return next((one for one in known if one.judged >= FLOOR), Tally())


def _others(release: Release, releases: Sequence[Release]) -> Tally:
    return _total(one.now for one in releases if one is not release)


def _found(kind: str, release: Release, baselines: dict[str, Tally]) -> Regression:
    return Regression(kind, release.version, release.now, baselines[release.version])


def _ranked(found) -> list[Regression]:
    return sorted(found, key=lambda one: (-one.now.rate, one.version))


def _total(tallies) -> Tally:
    return reduce(add, tallies, Tally())
