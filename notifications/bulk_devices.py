"""The dry run of many devices: which get a remote test push or their strikes reset, which
not and why. Writes nothing. One phone is taken once, however many of its devices were chosen.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet
from django.utils import translation
from django.utils.translation import gettext_noop as _

from notifications.bulk_known import Known
from notifications.bulk_plan import MOST, NO_CREDENTIAL, NO_TOKEN, Line, Plan
from notifications.models import Bulk, BulkItem, Push
from notifications.safety import is_safe
from registrations.models import Device

#: What each kind sends.
SENDS = {Bulk.Kind.TEST: Push.Type.ALERT, Bulk.Kind.RESET: ""}
NO_VOIP_TOKEN = _("The device holds no VoIP token")
NO_STRIKES = _("It has no strikes")
RESET_JUST_NOW = _("Its strikes were reset just now")
#: Why a device is left out, with the tone of that.
Against = tuple[str, str]


def plan_of(chosen: QuerySet[Device], kind: str, now: datetime) -> Plan:
    """The dry run for the newest `MOST` of the chosen devices, and how many were chosen."""
    newest = chosen.only("aor", "instance_id").order_by("-pk")
    found = list(newest[: MOST + 1])
    # Exact, whatever it costs: a person decides by this number.
    number = len(found) if len(found) <= MOST else chosen.order_by().count()
    return Plan(kind, _lines(found[:MOST], kind, now), number)


def _lines(some: list[Device], kind: str, now: datetime) -> list[Line]:
    pks = [device.pk for device in some]
    waiting = BulkItem.objects.filter(device__in=pks, push_type=SENDS[kind])
    waiting = waiting.filter(result=BulkItem.Result.WAITING)
    in_another = set(waiting.values_list("device", flat=True))
    against = (_Tests if kind == Bulk.Kind.TEST else _Resets)(Known(pks, now)).against
    lines = []
    for device in some:
        why, tone = _("It waits in another bulk"), "info"
        if device.pk not in in_another:
            why, tone = against(device.pk)
        lines.append(Line(device=device, push_type=SENDS[kind], why=why, tone=tone))
    return lines


class _Tests:
    """What speaks against a remote test push to each of some devices."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._seen: set[int] = set()

    def against(self, device: int) -> Against:
        token = self._known.token(device, "remote")
        if token is None:
            return NO_TOKEN, "bad"
        if not self._known.has_credential(token):
            return NO_CREDENTIAL, "bad"
        if token.pk in self._seen:
            return _("Another device of the same phone gets it"), "mute"
        with translation.override(None):
            facts = self._known.facts(device, token, Push.Type.ALERT)
            against = is_safe(facts).against
        if against is not None:
            return against.title, against.tone
        self._seen.add(token.pk)
        return "", "ok"


class _Resets:
    """What speaks against a reset of the strikes of each."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._to_come = known.resets_to_come()
        self._seen: set[int] = set()

    def against(self, device: int) -> Against:
        token = self._known.token(device, "voip")
        if token is None:
            return NO_VOIP_TOKEN, "bad"
        if token.pk in self._to_come:
            return RESET_JUST_NOW, "mute"
        ledger = getattr(token, "ledger", None)
        if ledger is None or not ledger.strikes:
            return NO_STRIKES, "mute"
        if token.pk in self._seen:
            return _("Another device of the same phone stands for its strikes"), "mute"
        self._seen.add(token.pk)
        return "", "ok"
