"""The swim lanes of one device: registrations, pushes and tokens over time, laid out for SVG.

x and widths are percent of the span; what lies before it is cut off.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext, ngettext

from notifications.device_history import LONGEST_BINDING, MARKS, History, Register
from notifications.lane_spans import Stretch
from notifications.models import Ledger, Push
from notifications.wording import number as shown
from notifications.wording import outcome_of

#: A REGISTER this soon after a remote push answers it (PRODUCT.md, signs of life).
ANSWER = timedelta(seconds=30)
MAX = datetime.max.replace(tzinfo=UTC)
#: Strikes nearer to each other than this many percent share one label.
LABEL = 8


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of time: a binding or a held token."""

    x: float
    width: float
    tone: str
    label: str
    title: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment. `label` is written beside it where there is room."""

    x: float
    tone: str
    title: str
    link: str = ""
    label: str = ""
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class Lanes:
    """The picture and its words."""

    stretch: Stretch
    ticks: list[tuple[float, str]]
    bindings: list[Bar]
    registers: list[Mark]
    voip: list[Mark]
    remote: list[Mark]
    tokens: dict[str, list[Bar]]
    turns: list[Mark]
    #: From the first strike of the run until now, tinted.
    run: tuple[float, float] | None
    counts: dict[str, str]
    summary: str


@dataclass(frozen=True, slots=True)
class Scale:
    """From moments to percent."""

    start: datetime
    end: datetime

    def x(self, moment: datetime) -> float:
        share = (moment - self.start) / (self.end - self.start)
        return round(100 * min(1.0, max(0.0, share)), 2)

    def bar(self, since: datetime | None, until: datetime | None) -> tuple | None:
        """(x, width) of what is left of a stretch inside the span."""
        left, right = self.x(since or self.start), self.x(until or self.end)
        return (left, round(right - left, 2)) if right > left else None


def lanes(history: History, stretch: Stretch) -> Lanes:
    """The lanes of a stretch of time."""
    scale = Scale(stretch.since, stretch.until)
    registers = [
        row
        for row in reversed(history.registers)
        if scale.start - LONGEST_BINDING <= row.moment <= scale.end
    ]
    inside = [row.moment for row in registers if row.moment >= scale.start]
    pushes = _pushes(history, scale)
    voip = _voip(pushes, history.ledger, scale)
    remote = _remote(pushes, [row.moment for row in registers], scale)
    tokens = _tokens(history, scale)
    return Lanes(
        stretch=stretch,
        ticks=_ticks(stretch, scale),
        bindings=_bindings(registers, scale),
        registers=[_register(moment, scale) for moment in inside[-MARKS:]],
        voip=voip,
        remote=remote,
        tokens=tokens,
        turns=_turns(history, scale),
        run=_run(history.ledger, scale),
        counts=_counts(inside, voip, remote, tokens),
        summary=_summary(stretch, inside, voip, remote),
    )


def _pushes(history: History, scale: Scale) -> list[Push]:
    start, end = scale.start, scale.end
    inside = (push for push in history.pushes if start <= push.created_at <= end)
    return list(islice(inside, MARKS))[::-1]


def _register(moment: datetime, scale: Scale) -> Mark:
    return Mark(scale.x(moment), "text", f"REGISTER {localtime(moment):%H:%M:%S}")


def _bindings(registers: list[Register], scale: Scale) -> list[Bar]:
    """Stretches with a binding that had not expired; a gap means nobody could be called."""
    stretches: list[list[datetime]] = []
    for row in registers:
        moment, expires, kind = row.moment, row.expires, row.kind
        if stretches and moment <= stretches[-1][1] and kind == "unregistered":
            stretches[-1][1] = moment
        if kind == "unregistered":
            continue
        until = moment + timedelta(seconds=expires or 0)
        if stretches and moment <= stretches[-1][1]:
            stretches[-1][1] = max(stretches[-1][1], until)
        else:
            stretches.append([moment, until])
    found = []
    for since, until in stretches:
        cut = scale.bar(since, min(until, scale.end))
        if cut is not None:
            title = gettext("Registered %(since)s to %(until)s")
            moments = {"since": localtime(since), "until": localtime(until)}
            title %= {name: f"{moment:%H:%M}" for name, moment in moments.items()}
            found.append(Bar(*cut, "soft", "", title))
    return found


def _voip(pushes: list[Push], ledger: Ledger | None, scale: Scale) -> list[Mark]:
    numbers = {row["call"]: n for n, row in enumerate(ledger.run if ledger else [], 1)}
    found: list[Mark] = []
    for push in pushes:
        if push.push_type != Push.Type.VOIP:
            continue
        number = numbers.get(push.sip_call_id)
        tone, words = outcome_of(push)
        x = scale.x(push.sent_at or push.created_at)
        moment = f"{localtime(push.sent_at or push.created_at):%H:%M:%S}"
        strike = gettext("Strike %(number)s") % {"number": number} if number else ""
        title = gettext("VoIP push %(at)s, %(words)s") % {"at": moment, "words": words}
        title = f"{strike}, {title}" if strike else title
        link = reverse("notifications:push", args=[push.pk])
        found.append(Mark(x, tone, title, link, strike, x > 92))
    return _labelled(found)


def _labelled(marks: list[Mark]) -> list[Mark]:
    """The label of a strike stays only where the next marks leave it room."""
    found = []
    for index, mark in enumerate(marks):
        after = marks[index + 1].x if index + 1 < len(marks) else 100 + LABEL
        before = marks[index - 1].x if index else -LABEL
        room = mark.x - before if mark.is_late else after - mark.x
        label = mark.label if room > LABEL else ""
        found.append(
            Mark(mark.x, mark.tone, mark.title, mark.link, label, mark.is_late)
        )
    return found


def _remote(pushes: list[Push], registers: list[datetime], scale: Scale) -> list[Mark]:
    found = []
    for push in pushes:
        if push.push_type == Push.Type.VOIP:
            continue
        tone, words = outcome_of(push)
        at = push.accepted_at
        place = bisect_left(registers, at) if at else len(registers)
        if place < len(registers) and registers[place] - at <= ANSWER:
            seconds = (registers[place] - at).total_seconds()
            words = gettext("answered by a REGISTER %(seconds)s s later")
            tone, words = "ok", words % {"seconds": shown(seconds, 1)}
        moment = push.sent_at or push.created_at
        told = {
            "type": push.get_push_type_display(),
            "at": f"{localtime(moment):%H:%M:%S}",
        }
        title = gettext("%(type)s push %(at)s, %(words)s") % {**told, "words": words}
        link = reverse("notifications:push", args=[push.pk])
        found.append(Mark(scale.x(moment), tone, title, link))
    return found


def _tokens(history: History, scale: Scale) -> dict[str, list[Bar]]:
    found: dict[str, list[Bar]] = {"voip": [], "remote": []}
    for row in sorted(history.holdings, key=lambda row: (row.since or MAX, row.pk)):
        cut = scale.bar(row.since, None if row.current else row.until)
        if cut is None:
            continue
        tone = "soft" if row.current else "gone"
        label = row.token.masked if cut[1] > 12 else ""
        found[row.token.kind].append(Bar(*cut, tone, label, row.token.masked))
    return found


def _turns(history: History, scale: Scale) -> list[Mark]:
    words = {
        "reinstalled": gettext("Reinstalled"),
        "token_changed": gettext("New token"),
        "logged_out": gettext("Logged out"),
    }
    inside = [
        turn
        for turn in reversed(history.turns)
        if turn.kind in words and scale.start <= turn.moment <= scale.end
    ]
    return [
        Mark(
            min(93.0, max(7.0, scale.x(turn.moment))),
            "text",
            f"{words[turn.kind]} {localtime(turn.moment):%H:%M}",
        )
        for turn in inside[:6]
    ]


def _run(ledger: Ledger | None, scale: Scale) -> tuple[float, float] | None:
    if ledger is None or not ledger.strikes or ledger.first_strike_at is None:
        return None
    return scale.bar(ledger.first_strike_at, None)


def _ticks(stretch: Stretch, scale: Scale) -> list[tuple[float, str]]:
    found = ((scale.x(moment), words) for moment, words in stretch.ticks)
    return [(x, words) for x, words in found if 2 < x < 95]


def _counts(registers: list, voip: list, remote: list, tokens: dict) -> dict[str, str]:
    woken = sum(mark.tone == "ok" for mark in voip)
    asleep = sum(mark.tone == "hot" for mark in voip)
    answered = sum(mark.tone == "ok" for mark in remote)
    counts = {
        "registrations": _registers(len(registers)),
        "voip": gettext("%(woken)s woken, %(asleep)s not")
        % {"woken": woken, "asleep": asleep},
        "remote": gettext("%(number)s, %(answered)s answered")
        % {"number": len(remote), "answered": answered},
    }
    for kind, bars in tokens.items():
        changes = max(0, len(bars) - 1)
        told = ngettext("%(number)s change", "%(number)s changes", changes)
        counts[f"{kind}_token"] = told % {"number": changes}
    return counts


def _registers(number: int) -> str:
    told = ngettext("%(number)s REGISTER", "%(number)s REGISTERs", number)
    return told % {"number": shown(number)}


def _summary(stretch: Stretch, registers: list, voip: list, remote: list) -> str:
    pushes = ngettext("%(number)s VoIP push", "%(number)s VoIP pushes", len(voip))
    others = ngettext("%(number)s remote push", "%(number)s remote pushes", len(remote))
    last = gettext("Last %(span)s") % {"span": stretch.span}
    told = gettext(
        "%(stretch)s: %(registers)s, %(voip)s (%(woken)s woke the app, %(asleep)s did not), "
        "%(remote)s."
    )
    return told % {
        "stretch": last if stretch.span else stretch.words,
        "registers": _registers(len(registers)),
        "voip": pushes % {"number": len(voip)},
        "woken": sum(mark.tone == "ok" for mark in voip),
        "asleep": sum(mark.tone == "hot" for mark in voip),
        "remote": others % {"number": len(remote)},
    }
