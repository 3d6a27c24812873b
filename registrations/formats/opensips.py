"""OpenSIPS' stderr log: Kamailio's words behind a time without year and a process number.

`Nov 23 19:51:41 [12345] DBG:core:parse_msg: …`; xlog lines begin right behind the number.
"""

from __future__ import annotations

import re
from datetime import datetime

from registrations.formats.form import Lead
from registrations.formats.kamailio import SLASH, Kamailio
from registrations.formats.record import Brief, Record
from registrations.formats.stamps import WITHOUT_YEAR, Stamps
from registrations.formats.xlog import Template


class OpenSips(Kamailio):
    """A time without year, the process number in brackets."""

    name = "opensips"
    prefix = re.compile(WITHOUT_YEAR.pattern + rb" \[\d{1,10}\] ?")

    def __init__(self, stamps: Stamps, template: Template) -> None:
        super().__init__(template)
        self._stamps = stamps

    def lead(self, line: bytes, position: int) -> Lead | None:
        lead = super().lead(line, position)
        if lead is not None:
            lead.at = self.moment(line)
            lead.records = tuple(told._replace(at=lead.at) for told in lead.records)
        return lead

    def usual(
        self, data: bytes, floor: int, start: int, mark: int, base: int
    ) -> tuple[Record | None, int] | None:
        """No whole message: none of OpenSIPS' own lines begins as Kamailio's do."""
        return None if data[mark] == SLASH else self._brief(data, start, mark, base)

    def _brief(
        self, data: bytes, start: int, mark: int, base: int
    ) -> tuple[Brief, int] | None:
        taken = super()._brief(data, start, mark, base)
        if taken is None:
            return None
        brief, end = taken
        return brief._replace(at=self.moment(brief.raw)), end

    def moment(self, line: bytes) -> datetime | None:
        found = self.prefix.match(line)
        return self._stamps.without_year(found) if found else None
