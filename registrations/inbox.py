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
from registrations.sip import Contact, redacted, refusal_of
from registrations.storable import clean, short

#: `LinphoneiOS/5.2.3` of `LinphoneiOS/5.2.3 (iPhone) LinphoneSDK/5.3.26`.
APP = re.compile(r"[^\s/()]+(?:/[^\s()]+)?")
USER_AGENT = re.compile(r"(?im)^user-agent[ \t]*:[ \t]*(.*)$")
LONGEST_APP = 80
LONGEST_EXAMPLE = 4000
TYPES = {
    **dict.fromkeys(("rule", "app", "detail", "flexisip", "example"), "text"),
    **dict.fromkeys(("first_seen_at", "last_seen_at"), "timestamptz"),
    **dict.fromkeys(("count", "feed_id"), "bigint"),
}
TABLE = Malformed._meta.db_table


@dataclass(slots=True)
class Entry:
    """What one batch saw of one rule broken by one app."""

    detail: str
    flexisip: str
    example: str
    first: datetime | None
    last: datetime | None
    count: int = 0


class Inbox:
    """Collects what one batch broke; `save` inside the batch's transaction."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._entries: dict[tuple[str, str], Entry] = {}

    def note(self, item: Judged) -> None:
        """A REGISTER the registrar took or refused: what its Contacts break."""
        if item.is_same or not (item.accepted or item.is_refused):
            return
        for contact in item.register.contacts:
            if contact.problems:
                self._note(contact, item)

    def _note(self, contact: Contact, item: Judged) -> None:
        app = app_of(item.register.user_agent or "")
        said = clean(refusal_of(contact.uri))
        for problem in contact.problems:
            key = problem.rule, app
            if key not in self._entries:
                text = clean(redacted(item.raw))[:LONGEST_EXAMPLE]
                self._entries[key] = Entry(problem.detail, said, text, None, None)
            self._count(key, problem.detail, item.moment)

    def reject(self, row: Rejected) -> None:
        """A message that could not be read."""
        found = USER_AGENT.search(row.excerpt)
        key = row.rule, app_of(found[1] if found else "")
        self._entries.setdefault(key, Entry(row.detail, "", row.excerpt, None, None))
        self._count(key, row.detail, row.moment)

    def _count(
        self, key: tuple[str, str], detail: str, moment: datetime | None
    ) -> None:
        entry = self._entries[key]
        entry.count += 1
        entry.detail = detail
        if moment is not None:
            entry.first = min(entry.first or moment, moment)
            entry.last = max(entry.last or moment, moment)

    def save(self) -> None:
        """Add what was collected to the stored rows."""
        if not self._entries:
            return
        names = ", ".join(TYPES)
        statement = (
            f"INSERT INTO {TABLE} AS m ({names}) SELECT {names} FROM batch_malformed"
            " ORDER BY rule, app ON CONFLICT (feed_id, rule, app) DO UPDATE SET"
            " count = m.count + EXCLUDED.count, detail = EXCLUDED.detail,"
            " flexisip = EXCLUDED.flexisip,"
            " first_seen_at = LEAST(m.first_seen_at, EXCLUDED.first_seen_at),"
            " last_seen_at = GREATEST(m.last_seen_at, EXCLUDED.last_seen_at)"
        )
        apply(statement, "batch_malformed", TYPES, self._rows())

    def _rows(self) -> Iterable[tuple]:
        for (rule, app), entry in self._entries.items():
            yield (
                rule,
                app,
                entry.detail,
                entry.flexisip,
                entry.example,
                entry.first,
                entry.last,
                entry.count,
                self._feed.pk,
            )


def app_of(user_agent: str) -> str:
    """App and version out of a User-Agent, "" where there is none."""
    found = APP.match(user_agent.strip())
    return short(clean(found[0]), LONGEST_APP) if found else ""
