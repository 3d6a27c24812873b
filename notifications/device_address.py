"""The addresses of a device's page: its stretch of time, kind of events and page of them, each
of which keeps the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from notifications.keyset import moment_of, pairs, query
from notifications.lane_spans import SPANS, Stretch
from notifications.ranges import FIRST, LAST, Range

#: The pages of a timeline that "Newer" leads back through, one after the other.
MOST_BACK = 50


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the page an address leads."""

    stretch: Stretch
    kind: str
    #: The page of the timeline ends before it; None for the newest one.
    before: datetime | None
    #: Where the pages ended through which one came, the newest first.
    back: tuple[str, ...]

    @property
    def is_zoomed(self) -> bool:
        """Lanes and timeline are a part that was chosen."""
        return not self.stretch.span

    @property
    def end(self) -> datetime | None:
        """The timeline ends before it."""
        if not self.is_zoomed:
            return self.before
        return min(self.before or self.stretch.until, self.stretch.until)

    @property
    def start(self) -> datetime | None:
        """The timeline begins at it: a part alone has a beginning."""
        return self.stretch.since if self.is_zoomed else None

    @property
    def _time(self) -> dict[str, str]:
        stretch = self.stretch
        if not self.is_zoomed:
            return {"span": stretch.span}
        # Whole, as the lanes have it: a part may begin between two seconds.
        return {"from": stretch.since.isoformat(), "to": stretch.until.isoformat()}

    @property
    def _page(self) -> dict[str, str]:
        before = self.before.isoformat() if self.before else ""
        return {"before": before, "back": ",".join(self.back)}

    @property
    def spans(self) -> list[tuple[str, str]]:
        """Each span until now, with its address."""
        page = {} if self.is_zoomed else self._page
        return [(span, query(span=span, events=self.kind, **page)) for span in SPANS]

    @property
    def timeless(self) -> str:
        """Without a stretch, for a part that is chosen next."""
        return query(events=self.kind)

    @property
    def range(self) -> Range:
        """The part that was chosen, for the form of it."""
        stretch = self.stretch
        return Range(stretch.since, stretch.until) if self.is_zoomed else Range()

    @property
    def kept_by_range(self) -> list[tuple[str, str]]:
        """The rest, as hidden fields of that form."""
        return pairs({"events": self.kind})

    def of_kind(self, kind: str) -> str:
        """Events of another kind, before the same moment."""
        return query(**self._time, events=kind, **self._page)

    def older(self, before: str) -> str:
        """The next page, which ends before that moment."""
        here = self.before.isoformat() if self.before else ""
        back = (*self.back, *([here] if here else []))[-MOST_BACK:]
        return query(**self._time, events=self.kind, before=before, back=",".join(back))

    @property
    def newer(self) -> str:
        """The page before this one; "" on the newest."""
        if self.before is None:
            return ""
        *rest, last = self.back or ("",)
        page = {"before": last, "back": ",".join(rest)}
        return query(**self._time, events=self.kind, **page)


def place_of(asked, stretch: Stretch, kinds) -> Place:
    """What an address says, beside its stretch."""
    kind = asked.get("events", "")
    back = asked.get("back", "").split(",")[-MOST_BACK:]
    return Place(
        stretch,
        kind if kind in kinds else "",
        _read(asked.get("before", "")),
        tuple(one for one in back if _read(one) is not None),
    )


def _read(text: str) -> datetime | None:
    found = moment_of(text)
    return found if found is not None and FIRST <= found <= LAST else None
