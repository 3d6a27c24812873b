"""The dry run of a bulk resend: which pushes would be sent, which not and why. Writes nothing.

Each push is asked the questions of a single resend (`safety.is_safe`); what is red is left
out. One phone gets one push, however many of its pushes were chosen.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import translation
from django.utils.translation import gettext_noop as _

from notifications.bulk_known import Known
from notifications.models import Bulk, BulkItem, Push
from notifications.safety import is_safe
from registrations.models import Device

#: More than this are not resent at once: a list that long wants a filter.
MOST = 10_000
#: What is stored of a push that is not sent is English; a page says it in its language.
NO_TOKEN = _("The device holds no token for it")
NO_CREDENTIAL = _("No credential for its app and environment")


@dataclass(frozen=True, slots=True)
class Line:
    """One push or device of the plan; `why` is empty where it will be done."""

    push: Push | None = None
    device: Device | None = None
    push_type: str = ""
    why: str = ""
    tone: str = "ok"


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole dry run."""

    kind: str
    #: The newest `MOST` of them.
    lines: list[Line]
    #: How many were chosen, all of them.
    chosen: int

    @property
    def is_cut(self) -> bool:
        """More were chosen than can be resent at once."""
        return self.chosen > len(self.lines)

    @property
    def sent(self) -> list[Line]:
        """What will be sent."""
        return [line for line in self.lines if not line.why]

    @property
    def left_out(self) -> list[Line]:
        """What will not."""
        return [line for line in self.lines if line.why]

    @property
    def reasons(self) -> list[tuple[str, str, int]]:
        """(tone, why, number) of what is left out, the commonest first."""
        counted = Counter((line.tone, line.why) for line in self.left_out)
        return [(*reason, number) for reason, number in counted.most_common()]

    @property
    def rings(self) -> int:
        """How many phones will ring for a call that is over."""
        return sum(line.push_type == Push.Type.VOIP for line in self.sent)


def plan(chosen: QuerySet[Push], kind: str, now: datetime) -> Plan:
    """The dry run for the newest `MOST` of the chosen pushes, and how many were chosen."""
    newest = chosen.select_related("device").defer("payload")
    newest = newest.order_by("-created_at", "-id")
    found = list(newest[: MOST + 1])
    # Exact, whatever it costs: a person decides by this number.
    number = len(found) if len(found) <= MOST else chosen.order_by().count()
    return Plan(kind, _lines(found[:MOST], kind, now), number)


def _lines(some: list[Push], kind: str, now: datetime) -> list[Line]:
    known, taken = Known({push.device_id for push in some}, now), _taken(some)
    seen: set[tuple[int, str]] = set()
    lines = []
    for push in some:
        push_type = Push.Type.ALERT if kind == Bulk.Kind.ALERT else push.push_type
        if push.pk in taken:
            why, tone = _("A bulk resend has sent it already"), "mute"
        else:
            why, tone = _against(push, push_type, kind, known, seen)
        lines.append(Line(push=push, push_type=push_type, why=why, tone=tone))
    return lines


def _against(push: Push, push_type: str, kind: str, known: Known, seen: set):
    """Why it will not be sent, with its tone; empty when it will."""
    if push.state in {Push.State.QUEUED, Push.State.SENDING}:
        return _("It has not ended yet"), "info"
    if kind == Bulk.Kind.REMOTE and push.push_type == Push.Type.VOIP:
        return _("A VoIP push, left out"), "mute"
    token = known.token_of(push.device_id, push_type)
    if token is None:
        return NO_TOKEN, "bad"
    if not known.has_credential(token):
        return NO_CREDENTIAL, "bad"
    phone = (token.pk, push_type)
    if phone in seen:
        return _("A newer push to the same phone is sent"), "mute"
    with translation.override(None):
        against = is_safe(known.facts(push.device_id, token, push_type)).against
    if against is not None:
        return against.title, against.tone
    seen.add(phone)
    return "", "ok"


def _taken(pushes: list[Push]) -> set:
    """Those that a bulk has sent, or will."""
    live = [BulkItem.Result.WAITING, BulkItem.Result.QUEUED]
    items = BulkItem.objects.filter(push__in=pushes, result__in=live)
    return set(items.values_list("push", flat=True))


def lasts(number: int, rate: int) -> timedelta:
    """How long so many take at `rate` a second."""
    return timedelta(seconds=-(-number // rate))
