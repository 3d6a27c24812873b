"""What became of a push, in one word: the same in SQL and of facts at hand."""

from __future__ import annotations

from functools import reduce
from operator import or_

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from notifications.models import Push

#: Only calls have a verdict: with another type beside it PostgreSQL sees that none fits.
TAKEN = Q(state="accepted", push_type="voip")
ASLEEP = TAKEN & Q(sip_call__verdict="unhandled")
LATE = TAKEN & Q(sip_call__rule="late")
HANDLED = TAKEN & Q(sip_call__verdict="handled")
PASSED_OVER = TAKEN & Q(sip_call__verdict__in=["exempt", "not_counted"])
REMOTE = Q(state="accepted") & ~Q(push_type="voip")
#: Parts of an outcome that different indexes have. No call knows yet of what is not gathered.
FLYING = (
    TAKEN & Q(sip_call__verdict="awaited"),
    TAKEN & Q(sip_call=None, gathered=False),
    *(Q(state=state) for state in ("queued", "sending")),
)
LOST = tuple(Q(state=state) for state in ("unknown", "failed", "expired"))
WITHDRAWN = tuple(Q(state=state) for state in ("cancelled", "held"))
#: outcome → tone, words, and which rows it stands for. The first that fits counts.
OUTCOMES = {
    "late": ("warn", _("Woke late"), LATE),
    "woken": ("ok", _("Woken"), HANDLED & ~Q(sip_call__rule="late")),
    "asleep": ("hot", _("Did not wake"), ASLEEP),
    "rejected": ("bad", _("Rejected by APNs"), Q(state="rejected")),
    "remote": ("mute", _("Accepted, remote"), REMOTE),
    "passed": (
        "mute",
        _("Exempt or not counted"),
        PASSED_OVER & ~Q(sip_call__rule="late"),
    ),
    "flying": ("info", _("In flight"), reduce(or_, FLYING)),
    "lost": ("warn", _("Not sent, unknown"), reduce(or_, LOST)),
    "withdrawn": ("mute", _("Cancelled, held"), reduce(or_, WITHDRAWN)),
}
PARTS = {"flying": FLYING, "lost": LOST, "withdrawn": WITHDRAWN}
OF_CALLS = [OUTCOMES[name][2] for name in ("late", "woken", "asleep", "passed")]
OF_CALLS += FLYING[:2]
#: APNs took them, and gave no reason (a constraint of the table).
ACCEPTED = [*OF_CALLS, OUTCOMES["remote"][2]]


def outcome_named(push_type: str, state: str, verdict: str, rule: str | None) -> str:
    """The key of OUTCOMES that the same facts have in SQL."""
    if state in {"queued", "sending"}:
        return "flying"
    if state != "accepted":
        others = {"rejected": "rejected", "cancelled": "withdrawn", "held": "withdrawn"}
        return others.get(state, "lost")
    if push_type != Push.Type.VOIP:
        return "remote"
    if rule == "late":
        return "late"
    names = {"handled": "woken", "unhandled": "asleep", "awaited": "flying"}
    return names.get(verdict, "passed")
