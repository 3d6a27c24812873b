"""The risk board of the live page: the devices at risk, the worst first. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from django.utils.translation import gettext

from notifications.at_once import Question, different
from notifications.models import App, Ledger
from notifications.protecting import Protection
from notifications.shielding import shown_protections
from notifications.wording import CHIPS, ago, evidence_of
from registrations.models import Device, Holding

ROWS = 50
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Spans are told as of a moment so round, or each of them would be news each second.
STEADY = timedelta(seconds=5)
STATES = ("suspected", "not_waking", "silent", "released", "recovered")


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One device at risk."""

    device: Device
    ledger: Ledger
    tone: str
    icon: str
    ages: list[tuple[datetime, str]]
    lead: str
    evidence: str
    #: What protect mode does with the next call's push; None where it has no say.
    protection: Protection | None = None


def devices_in(state: str) -> Question:
    """How many devices hold a token whose ledger is in this state, about `COUNTED` at most."""
    tokens = Ledger.objects.filter(state=state).values("token")
    held = Holding.objects.filter(current=True, token__in=tokens).order_by()
    return different(held.values("device_id"), "device_id")


def board_rows(apps: Iterable[App], now: datetime) -> list[BoardRow]:
    """The first devices that hold a token whose ledger is not fine, the worst first."""
    said_at = now - (now - EPOCH) % STEADY
    rows = [_board_row(one.device, one.token.ledger, said_at) for one in _worst()]
    rows.sort(
        key=lambda row: (
            STATES.index(row.ledger.state),
            -row.ledger.strikes,
            row.device.aor,
        )
    )
    shown = rows[:ROWS]
    said = shown_protections([row.ledger for row in shown], apps)
    return [replace(row, protection=said.get(row.ledger.token_id)) for row in shown]


def _worst() -> Iterable[Holding]:
    """Of each state as many as are shown, so that no state of a million is sorted."""
    held = Holding.objects.filter(current=True).select_related(
        "device", "token__ledger"
    )
    first, *others = (
        held.filter(token__ledger__state=state).order_by("-token__ledger__strikes")[
            :ROWS
        ]
        for state in STATES
    )
    return first.union(*others, all=True)


def _board_row(device: Device, ledger: Ledger, now: datetime) -> BoardRow:
    tone, icon = CHIPS[ledger.state]
    if ledger.state == "not_waking" and ledger.strikes == 1:
        tone = "warn"
    moments = [datetime.fromisoformat(strike["sent_at"]) for strike in ledger.run]
    ages = [(moment, ago(moment, now)) for moment in reversed(moments[-3:])]
    lead, evidence = evidence_of(ledger, now)
    return BoardRow(device, ledger, tone, icon, ages, lead, evidence)


def counts_of(numbers: dict[str, int]) -> list[tuple[str, str, int]]:
    """State, label and number of the buttons above the board."""
    found = [("", gettext("All"), sum(numbers.values()))]
    for state in STATES:
        is_suspected = state == Ledger.State.SUSPECTED
        label = gettext("Suspected") if is_suspected else Ledger.State(state).label
        if numbers[state]:
            found.append((state, label, numbers[state]))
    return found
