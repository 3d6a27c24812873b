"""Asks the rows whether protect mode holds a VoIP push of a token."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from django.db.models import F, Q

from notifications.evidence import Evidence, Look
from notifications.facts import shows_opening
from notifications.models import App, Call, Ledger, Push
from notifications.policy import policy_of
from notifications.protecting import Protection, Standing, protection
from registrations.models import PushToken

#: Why a push is held, where Apple's reason stands else.
REASON = "ProtectMode"
#: What a person asked for goes out: they were told of the strikes.
OF_PERSONS = frozenset({Push.Origin.RESEND, Push.Origin.TEST, Push.Origin.COMMAND})
ON_THE_WAY = [
    Push.State.QUEUED,
    Push.State.SENDING,
    Push.State.ACCEPTED,
    Push.State.UNKNOWN,
]


def protection_of(app: App, token: PushToken, call_id: str) -> Protection | None:
    """None where the app does not ask for protect mode. Inside a transaction: of two calls
    at once only one is the trial.
    """
    if not app.protect:
        return None
    ledger = Ledger.objects.select_for_update().filter(token=token).first()
    if ledger is None:
        return None
    opened = _opened([ledger], {ledger.token_id: app})
    return protection(_standing(ledger, app, _trials_of([ledger]), opened), call_id)


def shown_protection(app: App, ledger: Ledger | None) -> Protection | None:
    """What would become of the next call's push; None where protect mode is off."""
    if ledger is None:
        return None
    return shown_protections([ledger], [app]).get(ledger.token_id)


def shown_protections(
    ledgers: Iterable[Ledger], apps: Iterable[App]
) -> dict[int, Protection]:
    """token → what would become of the next call's push, where protect mode has a say."""
    by_bundle = {app.bundle_id: app for app in apps if app.protect}
    asked = [one for one in ledgers if one.token.bundle_id in by_bundle]
    app_of = {one.token_id: by_bundle[one.token.bundle_id] for one in asked}
    trials, opened = _trials_of(asked), _opened(asked, app_of)
    found = {
        one.token_id: protection(
            _standing(one, app_of[one.token_id], trials, opened), ""
        )
        for one in asked
    }
    return {token: said for token, said in found.items() if said.rule != "off"}


def _standing(
    ledger: Ledger,
    app: App,
    trials: dict[int, set[str]],
    opened: dict[int, datetime],
) -> Standing:
    return Standing(
        strikes=ledger.strikes,
        threshold=app.threshold,
        is_released=ledger.state == Ledger.State.RELEASED,
        last_strike_at=ledger.last_strike_at,
        opened_at=opened.get(ledger.token_id),
        trials=frozenset(trials[ledger.token_id]),
    )


def _opened(ledgers: Iterable[Ledger], app_of: dict[int, App]) -> dict[int, datetime]:
    """token → when the app was last opened, of those that were since their last strike. Only
    where there was a sign of life since then is there anything to look for.
    """
    looks = [
        Look(
            one.token_id,
            one.last_strike_at,
            one.last_sign_at,
            policy_of(app_of[one.token_id]),
        )
        for one in ledgers
        if one.last_strike_at and one.last_sign_at
        if one.last_sign_at > one.last_strike_at
    ]
    evidence = Evidence(looks, lines=False)
    found = {}
    for key, look in enumerate(looks):
        spans, wakes = evidence.spans(key), evidence.wakes(key)
        moments = [
            sign.moment
            for sign in evidence.signs(key)
            if sign.moment > look.since and shows_opening(sign, spans, wakes)
        ]
        if moments:
            found[look.token] = max(moments)
    return found


def _trials_of(ledgers: Iterable[Ledger]) -> dict[int, set[str]]:
    """token → calls whose pushes left after the last strike and are not judged yet."""
    struck = [ledger.token_id for ledger in ledgers if ledger.strikes]
    trials: dict[int, set[str]] = defaultdict(set)
    if not struck:
        return trials
    open_calls = Q(sip_call=None) | Q(sip_call__verdict=Call.Verdict.AWAITED)
    since = Push.objects.filter(
        open_calls,
        token__in=struck,
        push_type=Push.Type.VOIP,
        state__in=ON_THE_WAY,
        created_at__gt=F("token__ledger__last_strike_at"),
    )
    for token, call_id in since.order_by().values_list("token", "call_id"):
        trials[token].add(call_id)
    return trials
