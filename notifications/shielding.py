"""Asks the rows whether protect mode holds a VoIP push of a token."""

from __future__ import annotations

from django.db.models import Q

from notifications.models import App, Call, Ledger, Push
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
    return protection(_standing(ledger, app), call_id)


def shown_protection(app: App, ledger: Ledger | None) -> Protection | None:
    """What would become of the next call's push; None where protect mode is off."""
    if ledger is None or not app.protect:
        return None
    found = protection(_standing(ledger, app), "")
    return None if found.rule == "off" else found


def _standing(ledger: Ledger, app: App) -> Standing:
    return Standing(
        strikes=ledger.strikes,
        threshold=app.threshold,
        is_released=ledger.state == Ledger.State.RELEASED,
        last_strike_at=ledger.last_strike_at,
        opened_at=ledger.last_sign_at,
        trials=_trials(ledger) if ledger.strikes else frozenset(),
    )


def _trials(ledger: Ledger) -> frozenset[str]:
    """Calls whose pushes left after the last strike and are not judged yet."""
    open_calls = Q(sip_call=None) | Q(sip_call__verdict=Call.Verdict.AWAITED)
    since = Push.objects.filter(
        open_calls,
        token=ledger.token_id,
        push_type=Push.Type.VOIP,
        state__in=ON_THE_WAY,
        created_at__gt=ledger.last_strike_at,
    )
    return frozenset(since.order_by().values_list("call_id", flat=True))
