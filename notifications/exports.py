"""Lists as files: every row that a list's address leaves, streamed, tokens masked, audited."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_required
from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import PermissionDenied
from django.db.models import Func, OuterRef, TextField
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    StreamingHttpResponse,
)
from django.utils import timezone
from django.views.decorators.http import require_GET

from notifications import audit, audit_list, malformed_list, push_terms, refused_list
from notifications.actions import needs
from notifications.device_terms import fitting, kinds
from notifications.keyset import BY_CREATION, BY_ID, pages, words
from notifications.listing import WrongQuery, check
from notifications.push_names import APNS_ID
from notifications.terms import read_query
from registrations.models import Device, Holding, masked

#: Rows read and written at once: memory holds no more of them.
AT_ONCE = 2000
#: The key of rows that begin with it.
BY_FIRST = replace(BY_ID, write=lambda row: str(row[0]))
#: Read as rows of text: a model and two datetimes a device cost more than all the rest.
DEVICE_FIELDS = (
    "aor",
    "instance_id",
    "address",
    "user_agent",
    "bundle_id",
    "environment",
    "held",
    "registered",
    "expiry",
)
#: The key of pushes as rows that begin with it.
BY_FIRST_TWO = replace(BY_CREATION, write=lambda row: f"{row[0].isoformat()}|{row[1]}")
#: In the order of their columns, behind when and which.
PUSH_FIELDS = (
    "apns_id",
    "push_type",
    "origin",
    "app__bundle_id",
    "environment",
    "device__aor",
    "device__instance_id",
    "token__token",
    "call_id",
    "state",
    "reason",
    "attempt_count",
    "sent",
    "accepted",
    "sip_call__verdict",
    "sip_call__rule",
    "requested_by__username",
    "resend_of",
)
TOKEN = PUSH_FIELDS.index("token__token")
FORMULA = frozenset("=+-@\t\r")
KINDS = {"csv": "text/csv", "ndjson": "application/x-ndjson"}


class Iso(Func):
    """A moment as ISO 8601, written by PostgreSQL; the session's zone is UTC."""

    template = """to_char(%(expressions)s, 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')"""
    output_field = TextField()


class Address(Func):
    """A Contact without its parameters."""

    template = "split_part(%(expressions)s, ';', 1)"
    output_field = TextField()


class Masked(Func):
    """`voip 00fc13…8512`: a token's kind, and of the token what `masked` shows."""

    output_field = TextField()

    def as_sql(self, compiler, connection, **_):
        kind, token = (compiler.compile(one)[0] for one in self.source_expressions)
        return f"{kind} || ' ' || left({token}, 6) || '…' || right({token}, 4)", []


#: What a device holds, in the same query.
HELD = ArraySubquery(
    Holding.objects.filter(device=OuterRef("pk"), current=True)
    .order_by()
    .values_list(Masked("token__kind", "token__token"))
)


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
    wanted = read_query(words(asked.get("q", "")), kinds([]))
    check(wanted.faults)
    found = fitting(Device.objects.all(), wanted, now).annotate(
        address=Address("contact"),
        held=HELD,
        registered=Iso("last_registered_at"),
        expiry=Iso("expires_at"),
    )
    rows = found.values_list("pk", *DEVICE_FIELDS)
    return (list(map(_device_row, some)) for some in pages(rows, BY_FIRST, AT_ONCE))


def _device_row(row: tuple) -> tuple:
    _, *said, held, registered, expiry = row
    tokens = dict(one.split(" ") for one in held)
    return (*said, tokens.get("voip"), tokens.get("remote"), registered, expiry)


def _pushes(asked, now: datetime) -> Iterator[list[tuple]]:
    wanted = push_terms.asked_of(asked)
    check(wanted.faults)
    found = push_terms.fitting(wanted, now).select_related(None)
    rows = found.annotate(
        apns_id=APNS_ID, sent=Iso("sent_at"), accepted=Iso("accepted_at")
    ).values_list("created_at", "pk", *PUSH_FIELDS)
    return (list(map(_push_row, some)) for some in pages(rows, BY_FIRST_TWO, AT_ONCE))


def _push_row(row: tuple) -> tuple:
    created_at, pk, *said, resend_of = row
    said[TOKEN] = masked(said[TOKEN])
    return (created_at.isoformat(), str(pk), *said, resend_of and str(resend_of))


LISTS = {
    "devices": List(
        (
            "aor",
            "instance_id",
            "contact",
            "user_agent",
            "bundle_id",
            "environment",
            "voip",
            "remote",
            "last_registered_at",
            "expires_at",
        ),
        _devices,
    ),
    "pushes": List(
        (
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
        ),
        _pushes,
    ),
    "audit": List(
        audit_list.COLUMNS, audit_list.file_rows, "notifications.manage_users"
    ),
    "malformed": List(malformed_list.COLUMNS, malformed_list.file_rows),
    "refused": List(refused_list.COLUMNS, refused_list.file_rows),
}
