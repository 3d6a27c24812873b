"""Lists as files: every row that a list's address leaves, streamed, tokens masked, audited."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    StreamingHttpResponse,
)
from django.utils import timezone
from django.views.decorators.http import require_GET

from notifications import (
    audit,
    audit_list,
    device_export,
    malformed_list,
    push_terms,
    refused_list,
)
from notifications.actions import needs
from notifications.failed_pushes import FAILURES, Failed, failed
from notifications.keyset import BY_CREATION, BY_END, pages
from notifications.listing import WrongQuery, check
from notifications.models import Push
from notifications.push_names import APNS_ID
from notifications.refused_list import SPANS
from notifications.sql_texts import Iso, Masked

#: Rows read and written at once: memory holds no more of them.
AT_ONCE = 2000
#: The key of pushes as rows that begin with it.
BY_FIRST_TWO = replace(BY_CREATION, write=lambda row: f"{row[0]}|{row[1]}")
#: The key of those that failed, whose end stands last.
BY_LAST = replace(BY_END, write=lambda row: f"{row[-1]}|{row[1]}")
#: In the order of their columns.
PUSH_FIELDS = (
    "made",
    "own_id",
    "apns_id",
    "push_type",
    "origin",
    "app__bundle_id",
    "environment",
    "device__aor",
    "device__instance_id",
    "shown_token",
    "call_id",
    "state",
    "reason",
    "attempt_count",
    "sent",
    "accepted",
    "sip_call__verdict",
    "sip_call__rule",
    "requested_by__username",
    "resent",
)
PUSH_COLUMNS = (
    "created_at",
    "id",
    "apns_id",
    "type",
    "origin",
    "bundle_id",
    "environment",
    "aor",
    "instance_id",
    "token",
    "call_id",
    "state",
    "reason",
    "attempts",
    "sent_at",
    "accepted_at",
    "verdict",
    "rule",
    "requested_by",
    "resend_of",
)
FORMULA = frozenset("=+-@\t\r")
KINDS = {"csv": "text/csv", "ndjson": "application/x-ndjson"}


@dataclass(frozen=True, slots=True)
class List:
    """What a list exports: its columns, and its rows for an address, some at a time."""

    columns: tuple[str, ...]
    rows: Callable[[dict, datetime], Iterator[list[tuple]]]
    #: What else one must be allowed beside exporting.
    right: str = "notifications.export"


@require_GET
@login_required
@needs("export")
def download(request: HttpRequest, name: str, form: str) -> HttpResponse:
    """A list as CSV or NDJSON, with the filters of its address."""
    exported, now = LISTS[name], timezone.now()
    if not request.user.has_perm(exported.right):
        raise PermissionDenied
    try:
        rows = exported.rows(request.GET, now)
    except WrongQuery as wrong:
        return HttpResponseBadRequest(str(wrong), content_type="text/plain")
    detail = {"query": request.GET.urlencode()} if request.GET else {}
    audit.note(request.user, f"export.{name}", form, now, **detail)
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
    pieces = as_text(form, exported.columns, rows)
    return StreamingHttpResponse(
        one_by_one(pieces), content_type=KINDS[form], headers=headers
    )


def as_text(
    form: str, columns: tuple[str, ...], rows: Iterator[list[tuple]]
) -> Iterator[str]:
    """The file in pieces."""
    return _csv(columns, rows) if form == "csv" else _ndjson(columns, rows)


async def one_by_one(pieces: Iterator[str]) -> AsyncIterator[str]:
    """From the thread that may use the database; Django would collect a plain iterator."""
    while (piece := await sync_to_async(next)(pieces, None)) is not None:
        yield piece


def _csv(columns: tuple[str, ...], rows: Iterator[list[tuple]]) -> Iterator[str]:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    for some in rows:
        writer.writerows(map(_harmless, some))
        yield text.getvalue()
        text.seek(0)
        text.truncate()


def _harmless(row: tuple) -> list:
    """A spreadsheet must not run what a phone sent."""
    return [
        f"'{value}" if isinstance(value, str) and value[:1] in FORMULA else value
        for value in row
    ]


def _ndjson(columns: tuple[str, ...], rows: Iterator[list[tuple]]) -> Iterator[str]:
    encode = json.JSONEncoder(ensure_ascii=False).encode
    for some in rows:
        lines = [encode(dict(zip(columns, row, strict=True))) for row in some]
        yield "".join(f"{line}\n" for line in lines)


def _devices(asked, now: datetime) -> Iterator[list[tuple]]:
    return device_export.file_rows(asked, now, AT_ONCE)


def _pushes(asked, now: datetime) -> Iterator[list[tuple]]:
    wanted = push_terms.asked_of(asked)
    check(wanted.faults)
    found = push_terms.fitting(wanted, now).select_related(None)
    rows = _texts(found).values_list(*PUSH_FIELDS)
    return pages(rows, BY_FIRST_TWO, AT_ONCE)


def _failed(asked, now: datetime) -> Iterator[list[tuple]]:
    """Failed deliveries by when they ended, as the tab of Failures has them."""
    return _ended(_failures(asked, now).listed)


def _unsuccessful(asked, now: datetime) -> Iterator[list[tuple]]:
    """What failed, then what woke nobody, both by when they ended: what is told by reason."""
    found = _failures(asked, now)
    return chain(_ended(found.rows), _ended(found.every_asleep))


def _failures(asked, now: datetime) -> Failed:
    wanted = FAILURES.read(asked)
    time = SPANS.time(asked).beside(wanted.query)
    check(wanted.query.faults + time.faults)
    return failed(wanted, time, now)


def _ended(found: QuerySet[Push]) -> Iterator[list[tuple]]:
    rows = _texts(found).annotate(ended=Iso("ended_at"))
    return pages(rows.values_list(*PUSH_FIELDS, "ended"), BY_LAST, AT_ONCE)


def _texts(found: QuerySet[Push]) -> QuerySet[Push]:
    return found.annotate(
        made=Iso("created_at"),
        own_id=Cast("pk", TextField()),
        apns_id=APNS_ID,
        shown_token=Masked("token__token"),
        sent=Iso("sent_at"),
        accepted=Iso("accepted_at"),
        resent=Cast("resend_of", TextField()),
    )


LISTS = {
    "devices": List(device_export.COLUMNS, _devices),
    "pushes": List(PUSH_COLUMNS, _pushes),
    "failed": List((*PUSH_COLUMNS, "ended_at"), _failed),
    "failures": List((*PUSH_COLUMNS, "ended_at"), _unsuccessful),
    "audit": List(
        audit_list.COLUMNS, audit_list.file_rows, "notifications.manage_users"
    ),
    "malformed": List(malformed_list.COLUMNS, malformed_list.file_rows),
    "refused": List(refused_list.COLUMNS, refused_list.file_rows),
}
