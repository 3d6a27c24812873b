"""The breaker of each credential: when to stop pushing with it, and when to stop believing
what APNs says of tokens because a setting must be wrong (APNS.md A3).

A pause ends with one push: what APNs answers to it closes the breaker or pauses again.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Count, Q

from notifications.apns import REASONS, Kind, Result
from notifications.models import Credential, Push
from notifications.sending import Place, Try, place_of

logger = logging.getLogger(__name__)

#: A refused key is asked again each minute: it may be mended at Apple's side.
REFUSED_PAUSE = timedelta(minutes=1)
#: Apple counts provider tokens over 20 minutes.
TOKEN_PAUSE = timedelta(minutes=10)
#: Tokens refused for environment or topic: so many, and this share of all, are a jump.
JUMP_WINDOW = timedelta(minutes=10)
JUMP_LEAST, JUMP_SHARE = 20, 0.3
MISPLACED = frozenset(
    reason.name
    for reason in REASONS.values()
    if reason.kind in {Kind.ELSEWHERE, Kind.OTHER_TOPIC}
)


def pause_for(result: Result) -> timedelta | None:
    """How long no push may go out with the credential after this answer."""
    if result.is_renewed:
        return None
    if result.reason == "TooManyProviderTokenUpdates":
        return TOKEN_PAUSE
    return REFUSED_PAUSE if result.status == 403 else None


def is_jump(misplaced: int, answered: int) -> bool:
    """True when so many tokens, of so many that were answered, cannot all be wrong."""
    return misplaced >= JUMP_LEAST and misplaced >= answered * JUMP_SHARE


def note(tries: Iterable[Try], now: datetime) -> None:
    """Open and close the breakers by these answers."""
    for place, results in _by_place(tries).items():
        _note(place, results, now)


def believed(tries: Iterable[Try], now: datetime) -> list[Try]:
    """Those whose answer is taken at its word: of a whole app's refused tokens none is.
    The tries are stored already; `now` is by the clock that stamped them.
    """
    tries = list(tries)
    standing = set(
        Credential.objects.exclude(jump_at=None).values_list("app", "environment")
    )
    in_a_jump = set()
    for place, results in _by_place(tries).items():
        is_odd = any(one.reason in MISPLACED for one in results)
        if (is_odd or place in standing) and _is_in_a_jump(place, now):
            in_a_jump.add(place)
    return [
        done
        for done in tries
        if done.result.reason not in MISPLACED or place_of(done.push) not in in_a_jump
    ]


def _by_place(tries: Iterable[Try]) -> dict[Place, list[Result]]:
    found: dict[Place, list[Result]] = defaultdict(list)
    for done in tries:
        found[place_of(done.push)].append(done.result)
    return found


def _note(place: Place, results: list[Result], now: datetime) -> None:
    credential = Credential.objects.filter(app=place[0], environment=place[1])
    pauses = [
        (pause, one.reason) for one in results if (pause := pause_for(one)) is not None
    ]
    if pauses:
        pause, reason = max(pauses)
        credential.update(paused_until=now + pause, pause_reason=reason)
        logger.error("credential paused", extra={"place": place, "reason": reason})
    elif any(_is_settled(one) for one in results):
        credential.exclude(paused_until=None).update(paused_until=None, pause_reason="")


def _is_settled(result: Result) -> bool:
    """APNs looked at the push, so it took the credential."""
    is_answer = result.status is not None and result.status < 500
    return is_answer and not result.is_renewed


def _is_in_a_jump(place: Place, now: datetime) -> bool:
    """By the tokens answered lately, these tries stored already."""
    answered = Push.objects.filter(
        app=place[0],
        environment=place[1],
        ended_at__gt=now - JUMP_WINDOW,
        ended_at__lte=now,
        state__in=[Push.State.ACCEPTED, Push.State.REJECTED],
    )
    counted = answered.aggregate(
        all=Count("token", distinct=True),
        bad=Count("token", Q(reason__in=MISPLACED), distinct=True),
    )
    found = is_jump(counted["bad"], counted["all"])
    credential = Credential.objects.filter(app=place[0], environment=place[1])
    if not found:
        credential.exclude(jump_at=None).update(jump_at=None)
    elif credential.filter(jump_at=None).update(jump_at=now):
        logger.error("tokens of a whole app refused", extra={"place": place})
    return found


def paused_places(credentials: Iterable[Credential], now: datetime) -> set[Place]:
    """Where nothing may be sent now."""
    return {
        (one.app_id, one.environment)
        for one in credentials
        if one.paused_until is not None and one.paused_until > now
    }


def probed_places(credentials: Iterable[Credential], now: datetime) -> set[Place]:
    """Where one push at a time finds out whether the pause may end."""
    return {
        (one.app_id, one.environment)
        for one in credentials
        if one.paused_until is not None and one.paused_until <= now
    }
