"""For how many pushes a proof was possible at all, and why not for the others. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

#: Nothing of these could reach a phone, so no proof was to be expected.
NEVER_LEFT = frozenset({"rejected", "failed", "expired", "cancelled", "held"})
WHY_NOT = {
    "waiting": _(
        "A feed that could show the proof has not been read past the deadline"
    ),
    "ambiguous": _(
        "A remote push just before the REGISTER: either may have woken the app"
    ),
    "gap": _("A feed that could show the proof lost what it had of that time"),
    "late": _("A REGISTER after the deadline: the user may have opened the app"),
    "unknown": _("No answer of APNs: nobody knows whether it took the push"),
}
PROVABLE = frozenset({"handled", "unhandled", "exempt"})


@dataclass(frozen=True, slots=True)
class Coverage:
    """Pushes for which a proof was possible, and the others by reason."""

    possible: int
    gaps: list[tuple[str, int]]

    @property
    def total(self) -> int:
        """All pushes that may have reached a phone."""
        return self.possible + sum(number for _, number in self.gaps)

    @property
    def percent(self) -> float | None:
        """None where there was no push. Only all of them are 100, also rounded."""
        if not self.total:
            return None
        share = 100 * self.possible / self.total
        return share if self.possible == self.total else min(share, 99.0)


#: verdict, rule, the deadline is past, pushes
Counted = tuple[str, str, bool, int]


def coverage(counted: Iterable[Counted]) -> Coverage:
    """Pushes still within their wake window are left out: nothing was to be seen yet."""
    possible, gaps = 0, Counter()
    for verdict, rule, is_overdue, pushes in counted:
        if verdict in PROVABLE:
            possible += pushes
        elif verdict == "awaited":
            gaps["waiting"] += pushes if is_overdue else 0
        elif rule not in NEVER_LEFT:
            gaps[rule] += pushes
    found = [(WHY_NOT.get(why, why), number) for why, number in gaps.most_common()]
    return Coverage(possible, [one for one in found if one[1]])
