"""Lists as files: every row that a list's address leaves, streamed, tokens masked, audited."""

from __future__ import annotations

import csv
import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_required
from django.db.models import Func, TextField
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    StreamingHttpResponse,
)
from django.utils import timezone
from django.views.decorators.http import require_GET

from notifications import audit, push_terms
from notifications.actions import needs
from notifications.device_terms import fitting, kinds
from notifications.keyset import BY_CREATION, BY_ID, pages, words
from notifications.models import Push
from notifications.terms import Query, read_query
from registrations.models import Device, Holding, masked

#: Rows read and written at once: memory holds no more of them.
AT_ONCE = 2000
#: Read as rows of text: a model and two datetimes a device cost more than all the rest.
DEVICE_FIELDS = (
    "aor",
    "instance_id",
    "contact",
    "user_agent",
    "bundle_id",
    "environment",
    "registered",
    "expiry",
)
FORMULA = ("=", "+", "-", "@", "\t", "\r")
KINDS = {"csv": "text/csv", "ndjson": "application/x-ndjson"}


class Iso(Func):
    """A moment as ISO 8601, written by PostgreSQL; the session's zone is UTC."""

    template = """to_char(%(expressions)s, 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')"""
    output_field = TextField()


class WrongQuery(ValueError):
    """What was asked for cannot be read; the text says why."""


@dataclass(frozen=True, slots=True)
class List:
    """What a list exports: its columns, and its rows for an address, some at a time."""

    columns: tuple[str, ...]
    rows: Callable[[dict, datetime], Iterator[list[tuple]]]


@require_GET
@login_required
@needs("export")
def download(request: HttpRequest, name: str, form: str) -> HttpResponse:
    """A list as CSV or NDJSON, with the filters of its address."""
    exported, now = LISTS[name], timezone.now()
    try:
        rows = exported.rows(request.GET, now)
    except WrongQuery as wrong:
        return HttpResponseBadRequest(str(wrong), content_type="text/plain")
    detail = {"query": request.GET.urlencode()} if request.GET else {}
    audit.note(request.user, f"export.{name}", form, now, **detail)
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
    pieces = as_text(form, exported.columns, rows)
    return StreamingHttpResponse(
        _one_by_one(pieces), content_type=KINDS[form], headers=headers
    )


def as_text(
    form: str, columns: tuple[str, ...], rows: Iterator[list[tuple]]
) -> Iterator[str]:
    """The file in pieces."""
    return _csv(columns, rows) if form == "csv" else _ndjson(columns, rows)


async def _one_by_one(pieces: Iterator[str]) -> AsyncIterator[str]:
    """From the thread that may use the database; Django would collect a plain iterator."""
    while (piece := await sync_to_async(next)(pieces, None)) is not None:
        yield piece


def _csv(columns: tuple[str, ...], rows: Iterator[list[tuple]]) -> Iterator[str]:
    echo = _Echo()
    writer = csv.writer(echo)
    writer.writerow(columns)
    for some in rows:
        writer.writerows([_unformula(value) for value in row] for row in some)
        yield echo.taken()


class _Echo:
    """A file that hands back what was written to it."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def write(self, line: str) -> None:
        """Keep a line."""
        self._lines.append(line)

    def taken(self) -> str:
        """What was written since the last time."""
        text = "".join(self._lines)
        self._lines.clear()
        return text


def _unformula(value):
    """A spreadsheet must not run what a phone sent."""
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return value


def _ndjson(columns: tuple[str, ...], rows: Iterator[list[tuple]]) -> Iterator[str]:
    encode = json.JSONEncoder(ensure_ascii=False).encode
    for some in rows:
        lines = [encode(dict(zip(columns, row, strict=True))) for row in some]
        yield "".join(f"{line}\n" for line in lines)


def _devices(asked, now: datetime) -> Iterator[list[tuple]]:
    wanted = read_query(words(asked.get("q", "")), kinds())
    _check(wanted)
    found = fitting(Device.objects.all(), wanted, now).annotate(
        registered=Iso("last_registered_at"), expiry=Iso("expires_at")
    )
    rows = found.values_list("pk", *DEVICE_FIELDS, named=True)
    return (_device_rows(some) for some in pages(rows, BY_ID, AT_ONCE))


def _check(wanted: Query) -> None:
    if wanted.faults:
        raise WrongQuery("; ".join(wanted.faults))


def _device_rows(some: list[tuple]) -> list[tuple]:
    held = Holding.objects.filter(device__in=[row[0] for row in some], current=True)
    tokens = {
        (device, kind): masked(token)
        for device, kind, token in held.values_list(
            "device_id", "token__kind", "token__token"
        )
    }
    return [
        (
            aor,
            instance_id,
            contact.partition(";")[0],
            *said,
            tokens.get((pk, "voip")),
            tokens.get((pk, "remote")),
            registered,
            expiry,
        )
        for pk, aor, instance_id, contact, *said, registered, expiry in some
    ]


def _pushes(asked, now: datetime) -> Iterator[list[tuple]]:
    wanted = push_terms.asked_of(asked)
    _check(wanted.query)
    found = push_terms.fitting(wanted, now)
    found = found.select_related("device", "token", "app", "sip_call", "requested_by")
    return (list(map(_push_row, some)) for some in pages(found, BY_CREATION, AT_ONCE))


def _push_row(push: Push) -> tuple:
    call = push.sip_call
    return (
        push.created_at.isoformat(),
        str(push.pk),
        push.push_type,
        push.origin,
        push.app.bundle_id,
        push.environment,
        push.device.aor,
        push.device.instance_id,
        masked(push.token.token),
        push.call_id,
        push.state,
        push.reason,
        push.attempt_count,
        _iso(push.sent_at),
        _iso(push.accepted_at),
        call and call.verdict,
        call and call.rule,
        push.requested_by and push.requested_by.username,
        push.resend_of_id and str(push.resend_of_id),
    )


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


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
}
