"""The malformed registrations inbox: every broken rule, counted by rule and app version.

Flexisip answers 200 to malformed push parameters and then never pushes; nobody sees it but
here. An example is kept without credentials.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from registrations.bulk import apply
from registrations.facts import Judged
from registrations.models import Feed, Malformed, Rejected
from registrations.sip import Problem, redacted, refusal_of
from registrations.storable import clean, clean_lines, short

#: `LinphoneiOS/5.2.3` of `LinphoneiOS/5.2.3 (iPhone) LinphoneSDK/5.3.26`.
APP = re.compile(r"[^\s/()]+(?:/[^\s()]+)?")
USER_AGENT = re.compile(r"(?im)^user-agent[ \t]*:[ \t]*(.*)$")
LONGEST_APP = 80
LONGEST_EXAMPLE = 4000
TYPES = {
    **dict.fromkeys(("rule", "app", "detail", "flexisip", "example"), "text"),
    **dict.fromkeys(("first_seen_at", "last_seen_at"), "timestamptz"),
    **dict.fromkeys(("count", "feed_id"), "bigint"),
    "estimated": "boolean",
}
TABLE = Malformed._meta.db_table


@dataclass(frozen=True, slots=True)
class Case:
    """One message that breaks a rule. `uri`: of the Contact that does, "" where none does."""

    message: Judged | Rejected
    detail: str
    uri: str
    seen_at: datetime

    @property
    def flexisip(self) -> str:
        """What Flexisip would log of it."""
        return clean(refusal_of(self.uri)) if self.uri else ""

    @property
    def example(self) -> str:
        """The message without credentials."""
        if isinstance(self.message, Rejected):
            return self.message.excerpt
        return clean_lines(redacted(self.message.raw))[:LONGEST_EXAMPLE]


@dataclass(slots=True)
class Entry:
    """What one batch saw of one rule broken by one app. `estimated`: a moment is that of
    reading, for a message carried none.
    """

    newest: Case
    first: datetime
    estimated: bool = False
    count: int = 0


class Inbox:
    """Collects what one batch broke; `save` inside the batch's transaction."""

    def __init__(self, feed: Feed, read_at: datetime) -> None:
        self._feed, self._read_at = feed, read_at
        self._entries: dict[tuple[str, str], Entry] = {}

    def note(self, item: Judged) -> None:
        """What the Contacts of a REGISTER break, once a registration: it begins with the copy
        that is challenged, and may never come further for what it breaks.
        """
        is_first = item.accepted or item.is_refused or not item.register.authorized
        if item.is_same or item.is_next or not is_first:
            return
        for contact in item.register.contacts:
            for problem in contact.problems:
                self._note_problem(problem, contact.uri, item)

    def _note_problem(self, problem: Problem, uri: str, item: Judged) -> None:
        key = problem.rule, app_of(item.register.user_agent or "")
        case = Case(item, problem.detail, uri, item.moment or self._read_at)
        self._count(key, case, estimated=item.estimated or item.moment is None)

    def reject(self, row: Rejected) -> None:
        """A message that could not be read."""
        found = USER_AGENT.search(row.excerpt)
        key = row.rule, app_of(found[1] if found else "")
        case = Case(row, row.detail, "", row.moment or row.read_at)
        self._count(key, case, estimated=row.moment is None)

    def _count(self, key: tuple[str, str], case: Case, *, estimated: bool) -> None:
        entry = self._entries.setdefault(key, Entry(case, case.seen_at))
        entry.count += 1
        entry.estimated |= estimated
        entry.first = min(entry.first, case.seen_at)
        if case.seen_at >= entry.newest.seen_at:
            entry.newest = case

    def save(self) -> None:
        """Add what was collected to the stored rows."""
        if not self._entries:
            return
        names = ", ".join(TYPES)
        statement = (
            f"INSERT INTO {TABLE} AS m ({names}) SELECT {names} FROM batch_malformed"
            " ORDER BY rule, app ON CONFLICT (feed_id, rule, app) DO UPDATE SET"
            " count = m.count + EXCLUDED.count,"
            " estimated = m.estimated OR EXCLUDED.estimated,"
            " first_seen_at = LEAST(m.first_seen_at, EXCLUDED.first_seen_at),"
            + _of_newest()
        )
        apply(statement, "batch_malformed", TYPES, self._rows())

    def _rows(self) -> Iterable[tuple]:
        for (rule, app), entry in self._entries.items():
            case = entry.newest
            yield (
                *(rule, app, case.detail, case.flexisip, case.example),
                *(entry.first, case.seen_at, entry.count, self._feed.pk),
                entry.estimated,
            )


def _of_newest() -> str:
    """What is said of one message is said of the newest, whatever is read first."""
    is_newer = "EXCLUDED.last_seen_at >= m.last_seen_at"
    return (
        ", ".join(
            f" {name} = CASE WHEN {is_newer} THEN EXCLUDED.{name} ELSE m.{name} END"
            for name in ("detail", "flexisip", "example")
        )
        + ", last_seen_at = GREATEST(m.last_seen_at, EXCLUDED.last_seen_at)"
    )


def app_of(user_agent: str) -> str:
    """App and version out of a User-Agent, "" where there is none."""
    found = APP.match(user_agent.strip())
    return short(clean(found[0]), LONGEST_APP) if found else ""
