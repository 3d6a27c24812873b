"""Keeps to the limits of device, app and credential when pushes are claimed. The counts are in
PostgreSQL, so they hold for all workers on all hosts.

Calls count like any push, but wait for their device alone: a bulk must not delay them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from notifications.columns import execute
from notifications.limits import WINDOW, Level, Sent, free_at, refilled, room
from notifications.models import Allowance, App, Credential, Push
from notifications.sending import Place, place_of

GONE = f"""
    SELECT token_id, count(*), min(sent_at) FROM {Push._meta.db_table}
    WHERE token_id = ANY(%b)
    AND (sent_at > %b OR state = 'sending' AND sent_at IS NULL) GROUP BY token_id"""


class Pace:
    """The limits as of one claim, its buckets locked until the transaction ends."""

    def __init__(self, credentials: list[Credential], now: datetime) -> None:
        self._now = now
        self._places = {(one.app_id, one.environment) for one in credentials}
        self._apps = {app.pk: app for app in App.objects.all()}
        rates = _rates(self._apps.values(), credentials)
        rows = _locked(rates, now)
        self._levels = {
            name: refilled(Level(rows[name].left, rows[name].at), rate, now)
            for name, rate in rates.items()
        }

    def full_places(self) -> set[Place]:
        """Where no push may leave just now, calls apart."""
        return {place for place in self._places if self._room(place) == 0}

    def admit(self, pushes: list[Push]) -> tuple[list[Push], list[Push]]:
        """Which pushes leave now, and which wait for their device, with `due_at` and
        `reason` set. What is beyond the room of app or credential is in neither.
        """
        gone = _gone(pushes, self._now)
        leaving, waiting = [], []
        for push in pushes:
            limit = self._apps[push.app_id].device_limit
            until = free_at(gone[push.token_id], limit, self._now)
            if until is not None:
                push.due_at = until
                push.reason = f"waits: {limit} pushes a minute to one device"
                waiting.append(push)
            elif self._take(push):
                leaving.append(push)
                sent = gone[push.token_id]
                gone[push.token_id] = Sent(sent.count + 1, sent.first_at or self._now)
        return leaving, waiting

    def save(self) -> None:
        """Write the buckets back."""
        for name, level in self._levels.items():
            Allowance.objects.update_or_create(
                name=name, defaults={"left": level.left, "at": level.at}
            )

    def _take(self, push: Push) -> bool:
        place = place_of(push)
        if push.push_type != Push.Type.VOIP and self._room(place) == 0:
            return False
        for name in _names(place):
            if name in self._levels:
                level = self._levels[name]
                self._levels[name] = Level(level.left - 1, level.at)
        return True

    def _room(self, place: Place) -> int | None:
        """None without a limit."""
        levels = [self._levels[one] for one in _names(place) if one in self._levels]
        return min(map(room, levels), default=None)


def _names(place: Place) -> tuple[str, str]:
    return f"app {place[0]}", f"credential {place[0]} {place[1]}"


def _rates(apps: Iterable[App], credentials: list[Credential]) -> dict[str, int]:
    """bucket → pushes a second, of every app and credential that has a limit."""
    return {f"app {app.pk}": app.push_limit for app in apps if app.push_limit} | {
        f"credential {one.app_id} {one.environment}": one.push_limit
        for one in credentials
        if one.push_limit
    }


def _locked(rates: dict[str, int], now: datetime) -> dict[str, Allowance]:
    """The buckets, each made full where it is not there yet: of two who make it at once the
    second waits for the first, and takes what that one left.
    """
    if not rates:
        return {}
    buckets = Allowance.objects.select_for_update().order_by("name")
    rows = buckets.in_bulk(sorted(rates), field_name="name")
    missing = sorted(rates.keys() - rows.keys())
    if missing:
        Allowance.objects.bulk_create(
            [Allowance(name=name, left=rates[name], at=now) for name in missing],
            ignore_conflicts=True,
        )
        rows = buckets.in_bulk(sorted(rates), field_name="name")
    return rows


def _gone(pushes: list[Push], now: datetime) -> dict[int, Sent]:
    """What left to each token within the window, or is being sent."""
    tokens = list({push.token_id for push in pushes})
    rows = execute(GONE, [tokens, now - WINDOW])
    found = {token: Sent(count, first or now) for token, count, first in rows}
    return {token: found.get(token, Sent(0, None)) for token in tokens}
