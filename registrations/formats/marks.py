"""Where in a piece of a log something may stand that tells: most of it is skipped unread."""

from __future__ import annotations

import re

from registrations.formats.form import Format

#: Every start line has it: a Via goes on with `/UDP`, and log prose with anything else.
#: Another log, which this one may turn into, escapes or marks its line end.
VERSION = re.compile(rb"/2\.0(?:[ \t]*\r?\n|[#\\.]| \d{3})")


def marks_in(form: Format, data: bytes, start: int) -> list[int]:
    """Where markers stand from `start` on, the last one first."""
    marks = [found.start() for found in VERSION.finditer(data, start)]
    for marker in form.markers_in(data, start):
        at = data.find(marker, start)
        while at >= 0:
            marks.append(at)
            at = data.find(marker, at + 1)
    marks.sort(reverse=True)
    return marks
