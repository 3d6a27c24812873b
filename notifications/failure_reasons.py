"""Why pushes fail: each reason with meaning, remedy and trend; by hour; by app and version."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import TruncHour
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.apns import REASONS, Kind
from notifications.at_once import COUNTED
from notifications.failure_versions import Version, calls_judged, versions
from notifications.models import Push
from notifications.stored_words import told as told_in_words
from notifications.terms import written

SLOTS = 24
#: A trend is drawn in a box of this size.
WIDTH, HEIGHT = 112, 24
#: As many reasons, apps and versions are told apart.
ROWS = 30
HOUR = timedelta(hours=1)
FAILED = Q(state__in=["rejected", "unknown", "failed", "expired"])
#: What a push that failed without a reason of APNs means, by its state.
STATES = {
    "accepted": (
        _("App did not wake"),
        _("200, then no sign of waking"),
        _("APNs took the push, and no sign of waking came within the wake window."),
        _("Check strikes first. If most are on one app version, suspect that build."),
    ),
    "unknown": (
        _("No answer"),
        _("unknown"),
        _("It left the house and no answer came: APNs may have taken it."),
        _("Check the network to APNs. A VoIP push is not sent again by itself."),
    ),
    "failed": (
        _("Not sent"),
        _("failed"),
        _("It could not be sent, and surely was not."),
        _("Open one of them: its attempts say what stood in the way."),
    ),
    "expired": (
        _("Expired"),
        _("expired"),
        _("Its life was over before it could be sent."),
        _("Look at the queue on Live: workers or APNs were too slow."),
    ),
    "rejected": (
        _("Rejected"),
        _("rejected"),
        _("APNs refused it without a reason we know."),
        _("Open one of them: its attempts say more."),
    ),
}

KINDS = {
    Kind.REQUEST: _("our request"),
    Kind.GONE: _("token"),
    Kind.ELSEWHERE: _("token"),
    Kind.OTHER_TOPIC: _("token"),
    Kind.CREDENTIAL: _("credential"),
    Kind.PACE: _("too often"),
    Kind.SERVER: _("Apple"),
}


@dataclass(slots=True)
class Reason:
    """Pushes that failed for one reason."""

    state: str
    reason: str
    number: int = 0
    devices: int = 0
    trend: list[int] = field(default_factory=lambda: [0] * SLOTS)
    #: The words of a query that fit these pushes alone, of all that are told.
    terms: str = ""

    @property
    def words(self) -> tuple[str, str, str, str]:
        """Name, status, meaning, remedy."""
        known = REASONS.get(self.reason)
        if known is None:
            name, *rest = map(str, STATES[self.state])
            return (told_in_words(self.reason) or name, *rest)
        meaning, remedy = gettext(known.meaning), gettext(known.remedy)
        status = f"{known.status} · {KINDS[known.kind]}"
        return self.reason, status, meaning, remedy

    @property
    def term(self) -> str:
        """The word of a query that fits these pushes."""
        if self.reason:
            return written("reason", self.reason)
        asleep = self.state == "accepted"
        return "outcome:asleep" if asleep else f"state:{self.state}"

    @property
    def line(self) -> str:
        """The trend as points of an SVG line."""
        most, step = max(*self.trend, 1), WIDTH / (SLOTS - 1)
        return " ".join(
            f"{i * step:.1f},{HEIGHT - 1 - (HEIGHT - 3) * number / most:.1f}"
            for i, number in enumerate(self.trend)
        )

    @property
    def area(self) -> str:
        """The same, closed at the bottom."""
        return f"0,{HEIGHT} {self.line} {WIDTH},{HEIGHT}"


@dataclass(frozen=True, slots=True)
class Cell:
    """Pushes of one hour of the day and reason; `level` is the shade, "" to "h4"."""

    hour: str
    number: int
    level: str


@dataclass(frozen=True, slots=True)
class Heat:
    """Hour by reason: the heads of the columns, and a row of cells a reason."""

    hours: list[str]
    rows: list[tuple[Reason, list[Cell]]]


@dataclass(frozen=True, slots=True)
class Told:
    """What failed, told in three ways."""

    reasons: list[Reason]
    heat: Heat
    versions: list[Version]
    #: All of each kind, up to `COUNTED` + 1, the reasons that are left out too.
    failed: int = 0
    asleep: int = 0


NOTHING = Told([], Heat([], []), [])
#: Of the newest so many of each kind the phone is looked at, for its app and version: a row
#: of another table for each.
VERSIONED = 1_000
#: What is told of a push, and how it is counted: hashed, for to sort texts takes longer than
#: to read them.
FACTS = ("state", "reason", "hour", "device_id", "app__bundle_id", "ended_at")
GROUPED = """
    WITH asked (state, reason, hour, device, bundle_id, at) AS MATERIALIZED ({rows})
    SELECT 'reason', state, reason, NULL, NULL, sum(pushes)::bigint, count(*) FROM (
        SELECT state, reason, device, count(*) AS pushes FROM asked GROUP BY 1, 2, 3
    ) AS by_device GROUP BY state, reason
    UNION ALL
    SELECT 'hour', state, reason, hour, NULL, count(*), 0 FROM asked
    GROUP BY state, reason, hour
    UNION ALL
    SELECT 'version', state, bundle_id, NULL, user_agent, count(*), 0 FROM (
        SELECT state, bundle_id,
            (SELECT user_agent FROM registrations_device WHERE id = device) AS user_agent
        FROM (
            SELECT asked.*, row_number()
                OVER (PARTITION BY state = 'accepted' ORDER BY at DESC) AS place
            FROM asked
        ) AS placed WHERE place <= {versioned}
    ) AS newest GROUP BY state, bundle_id, user_agent
"""


def told(failed: QuerySet[Push], asleep: QuerySet[Push], since, now) -> Told:
    """Reasons with trends and hours of the newest `COUNTED` of each kind (`asleep` are pushes
    of the newest calls), versions of the newest `VERSIONED`.
    """
    by_reason, by_hour, by_version = [], [], []
    for row in _grouped(failed.order_by("-ended_at"), asleep.order_by()):
        by, state, name, hour, agent, number, devices = row
        if by == "reason":
            by_reason.append((state, name, number, devices))
        elif by == "hour":
            by_hour.append((state, name, hour, number))
        else:
            by_version.append((state, name, agent, number))
    found, heat = reasons(by_reason, by_hour, since, now)
    calls = calls_judged(since, now) if by_version else {}
    slept = sum(number for state, _, number, _ in by_reason if state == "accepted")
    every = sum(number for _, _, number, _ in by_reason)
    return Told(found, heat, versions(by_version, calls), every - slept, slept)


def _grouped(*newest: QuerySet[Push]) -> list[tuple]:
    parts, values = [], []
    for rows in newest:
        facts = rows.annotate(hour=TruncHour("ended_at")).values_list(*FACTS)
        try:
            sql, given = facts[: COUNTED + 1].query.sql_with_params()
        except EmptyResultSet:
            continue
        parts.append(f"({sql})")
        values += given
    if not parts:
        return []
    rows = " UNION ALL ".join(parts)
    with connection.cursor() as cursor:
        cursor.execute(GROUPED.format(rows=rows, versioned=VERSIONED), values)
        return cursor.fetchall()


def reasons(by_reason, by_hour, since, now) -> tuple[list[Reason], Heat]:
    """The reasons, the commonest first, with their trend; by hour too."""
    found = {
        (state, reason): Reason(state, reason, number, devices)
        for state, reason, number, devices in by_reason
    }
    hours: dict[tuple[str, str], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    zone = timezone.get_current_timezone()
    for state, reason, local, number in by_hour:
        hour = local.replace(tzinfo=zone)
        slot = int((hour - since) / (now - since) * SLOTS)
        found[state, reason].trend[max(0, min(slot, SLOTS - 1))] += number
        hours[state, reason][hour.hour] += number
    for one in found.values():
        one.terms = _terms(one, found.values())
    ordered = sorted(found.values(), key=lambda one: -one.number)[:ROWS]
    return ordered, _heat(ordered, hours, now)


def _terms(one: Reason, others: Iterable[Reason]) -> str:
    if one.state == "accepted":
        return one.term
    if one.reason:
        return f"state:{one.state} {one.term}"
    same = (other for other in others if other.state == one.state and other.reason)
    return " ".join([one.term, *(f"-{other.term}" for other in same)])


def _heat(ordered: list[Reason], hours: dict, now: datetime) -> Heat:
    """Hours of the day in the reader's zone, the present one last."""
    now = timezone.localtime(now)
    order = [(now + HOUR * ago).hour for ago in range(-23, 1)]
    most = max((n for row in hours.values() for n in row.values()), default=0)
    rows = [
        (
            one,
            [_cell(at, hours[one.state, one.reason].get(at, 0), most) for at in order],
        )
        for one in ordered
    ]
    return Heat([f"{at:02d}" for at in order], rows)


def _cell(hour: int, number: int, most: int) -> Cell:
    name = f"{hour:02d}"
    if not number:
        return Cell(name, 0, "")
    part = number / most
    return Cell(
        name, number, "h" + str(1 + (part > 0.1) + (part > 0.35) + (part > 0.7))
    )
