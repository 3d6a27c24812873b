"""The time of a list as its address says it: one of its spans, or a range in its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from notifications.clocks import Clock, around
from notifications.keyset import query
from notifications.ranges import Range, range_of
from notifications.terms import Query


@dataclass(frozen=True, slots=True)
class Spans:
    """What a list offers: name → how long, None for all there is; the one it begins with."""

    lengths: Mapping[str, timedelta | None]
    usual: str

    def time(self, asked) -> Time:
        """What an address asks for; the usual span where it is silent or says nonsense."""
        span = asked.get("span", "")
        chosen = span if span in self.lengths else self.usual
        return Time(self, chosen, range_of(asked))


@dataclass(frozen=True, slots=True)
class Time:
    """The time that an address asks for. `chosen`: the span, which counts without a range;
    `clocks`: what the query beside it names by the clock, which stands in the span's place too.
    """

    spans: Spans
    chosen: str
    range: Range
    clocks: tuple[Clock, ...] = ()

    def beside(self, asked: Query) -> Time:
        """The same beside a query."""
        return replace(self, clocks=asked.clocks)

    @property
    def span(self) -> str:
        """The span that counts, "" where the address or its query names a time."""
        return "" if self.range or self.clocks else self.chosen

    @property
    def kept(self) -> str:
        """The span that its address keeps: beside a range without a beginning it is as long."""
        return "" if self.range.since else self.chosen

    @property
    def faults(self) -> tuple[str, ...]:
        """What cannot be read."""
        return self.range.faults

    @property
    def address(self) -> dict[str, str]:
        """The same as parts of an address of this list."""
        span = "" if self.kept == self.spans.usual else self.kept
        return {"span": span, **self.range.address}

    @property
    def outright(self) -> dict[str, str]:
        """The same for an address of a list that begins with another span."""
        return {"span": self.kept, **self.range.address}

    def links(self, address: dict) -> list[tuple[str, str]]:
        """Each span, with the address of the list that it leads to."""
        others = {"from": "", "to": ""}
        return [
            (name, query(**address | others | {"span": name}))
            for name in self.spans.lengths
        ]

    def named(self, now: datetime) -> Range:
        """What address or query name; open where neither names a time."""
        return self.range or around(self.clocks, now)

    def stretch(self, now: datetime) -> Range:
        """From when to when; an end that is None is open. Without a beginning a range has all
        there is, in a list that offers that, else as much as the span.
        """
        if self.clocks and not self.range:
            return self.named(now)
        since, until = self.range.since, self.range.until
        length = self.spans.lengths[self.chosen]
        if self.range and None in self.spans.lengths.values():
            length = None
        if since is None and length is not None:
            since = (until or now) - length
        return Range(since, until)

    def since(self, moment: datetime) -> Time:
        """The same from a later moment on."""
        return replace(self, range=Range(moment, self.range.until))
