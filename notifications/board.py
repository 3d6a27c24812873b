"""The risk board of the live page: the devices at risk, the worst first. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from django.db.models import Case, QuerySet, When
from django.db.models.expressions import RawSQL
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
class AtRisk:
    """One device at risk, as it is stored. `protection`: what protect mode does with the next
    call's push; None where it has no say.
    """

    device: Device
    ledger: Ledger
    protection: Protection | None


@dataclass(frozen=True, slots=True)
class BoardRow:
    """The same in words."""

    device: Device
    ledger: Ledger
    tone: str
    icon: str
    ages: list[tuple[datetime, str]]
    lead: str
    evidence: str
    protection: Protection | None


def devices_in(state: str) -> Question:
    """How many devices hold a token whose ledger is in this state, about `COUNTED` at most."""
    tokens = Ledger.objects.filter(state=state).values("token")
    held = Holding.objects.filter(current=True, token__in=tokens).order_by()
    return different(held.values("device_id"), "device_id")


def worst(apps: Iterable[App]) -> list[AtRisk]:
    """The first devices that hold a token whose ledger is not fine, the worst first, without
    a word: nothing of it depends on who reads.
    """
    found = [(one.device, one.token.ledger) for one in _worst()]
    said = shown_protections([ledger for _, ledger in found], apps)
    return [
        AtRisk(device, ledger, said.get(ledger.token_id)) for device, ledger in found
    ]


def told(rows: Iterable[AtRisk], now: datetime) -> list[BoardRow]:
    """The rows in the language of the reader."""
    said_at = now - (now - EPOCH) % STEADY
    return [_board_row(row, said_at) for row in rows]


def _worst() -> QuerySet[Holding]:
    """As many as are shown, taken from as many of each state, so that no state of a million is
    sorted.
    """
    place = Case(
        *(When(token__ledger__state=each, then=n) for n, each in enumerate(STATES))
    )
    some = Holding.objects.filter(pk__in=RawSQL(*_some_of_each()))
    some = some.select_related("device", "token__ledger")
    return some.order_by(place, "-token__ledger__strikes", "device__aor")[:ROWS]


@cache
def _some_of_each() -> tuple[str, tuple]:
    """It is asked four times a second, and always the same: put together once."""
    held = Holding.objects.filter(current=True).order_by("-token__ledger__strikes")
    first, *others = (
        held.filter(token__ledger__state=state).values("pk")[:ROWS] for state in STATES
    )
    return first.union(*others, all=True).query.sql_with_params()


def _board_row(row: AtRisk, now: datetime) -> BoardRow:
    ledger = row.ledger
    tone, icon = CHIPS[ledger.state]
    if ledger.state == "not_waking" and ledger.strikes == 1:
        tone = "warn"
    moments = [datetime.fromisoformat(strike["sent_at"]) for strike in ledger.run]
    ages = [(moment, ago(moment, now)) for moment in reversed(moments[-3:])]
    lead, evidence = evidence_of(ledger, now)
    return BoardRow(
        row.device, ledger, tone, icon, ages, lead, evidence, row.protection
    )


def counts_of(numbers: dict[str, int]) -> list[tuple[str, str, int]]:
    """State, label and number of the buttons above the board."""
    found = [("", gettext("All"), sum(numbers.values()))]
    for state in STATES:
        is_suspected = state == Ledger.State.SUSPECTED
        label = gettext("Suspected") if is_suspected else Ledger.State(state).label
        if numbers[state]:
            found.append((state, label, numbers[state]))
    return found
