"""`manage.py parse`: one JSON object for each REGISTER received. Needs no database."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

from django.core.management.base import BaseCommand, CommandError

from registrations.answers import Pairing, Waiting
from registrations.formats import UnknownFormat, open_format
from registrations.formats.record import Answer, Pulse, Record, Request
from registrations.sip import Contact, SipError, read_register
from registrations.sources.logfile import chunks, opened


class Command(BaseCommand):
    help = (
        "Print one JSON object a line for each REGISTER received in FILE… (- is standard "
        "input, gzip is read as it is). Needs no database."
    )
    requires_system_checks = []

    def add_arguments(self, parser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE")
        parser.add_argument(
            "--format", help="flexisip, kamailio or plain (default: look)"
        )
        parser.add_argument(
            "--summary", action="store_true", help="print counts instead"
        )

    def handle(self, *, files: list[str], format: str | None, **options) -> None:
        counts: Counter[str] = Counter()
        for path in files:
            try:
                self._print(path, format, counts, options["summary"])
            except UnknownFormat as error:
                raise CommandError(str(error)) from error
            except BrokenPipeError:
                raise SystemExit(1) from None  # `parse … | head`: nobody reads on
            except (OSError, EOFError) as error:
                raise CommandError(f"{path} cannot be read: {error}") from error
        if options["summary"]:
            self.stdout.write(json.dumps(dict(sorted(counts.items())), indent=1))

    def _print(self, path, format, counts: Counter[str], is_summary: bool) -> None:
        for row in rows_of(path, format):
            _count(counts, row)
            if not is_summary:
                self.stdout.write(json.dumps(row))


def rows_of(path: str, format: str | None) -> Iterator[dict]:
    """The objects `parse` prints for one file, in the order of the file."""
    reader, pairing = open_format(format), Pairing()
    with opened(path) as stream:
        for data in chunks(stream):
            yield from _rows(reader.feed(data), pairing, reader)
    yield from _rows(reader.end(), pairing, reader)
    for item in pairing.in_order(is_last=True):
        yield row_of(item, reader.form.name)


def _rows(records: list[Record], pairing: Pairing, reader) -> Iterator[dict]:
    for record in records:
        if isinstance(record, Request):
            try:
                pairing.ask(record, read_register(record.raw))
            except SipError as error:
                yield {
                    "error": error.detail,
                    "rule": error.rule,
                    "position": record.position,
                }
        elif isinstance(record, Answer):
            pairing.answer(record)
        elif isinstance(record, Pulse):
            pairing.note(record.at)
        for item in pairing.in_order():
            yield row_of(item, reader.form.name)


def _count(counts: Counter[str], row: dict) -> None:
    if "error" in row:
        counts["unreadable"] += 1
        counts[f"rule {row['rule']}"] += 1
        return
    counts["registers"] += 1
    counts[f"format {row['format']}"] += 1
    counts[f"status {row['status'] or 'not shown'}"] += 1
    for contact in row["contacts"]:
        counts["contacts"] += 1
        for problem in contact["problems"]:
            counts[f"problem {problem['rule']}"] += 1


def row_of(item: Waiting, format: str) -> dict:
    """One REGISTER as the contract of `parse` has it; every key always there."""
    request, register = item.request, item.register
    return {
        "at": iso(request.at),
        "format": format,
        "position": request.position,
        "source": request.source,
        "call_id": register.call_id,
        "cseq": register.cseq,
        "expires": register.expires,
        "user_agent": register.user_agent,
        "status": item.status,
        "aor": register.aor,
        "contacts": [contact_of(contact) for contact in register.contacts],
    }


def contact_of(contact: Contact) -> dict:
    """One Contact as `parse` prints it."""
    problems = [
        {"rule": problem.rule, "detail": problem.detail} for problem in contact.problems
    ]
    return {
        "uri": contact.uri,
        "instance_id": contact.instance_id,
        "expires": contact.expires,
        "q": contact.q,
        "pn_provider": contact.pn_provider,
        "pn_param": contact.pn_param,
        "pn_prid": contact.pn_prid,
        "team_id": contact.team_id,
        "bundle_id": contact.bundle_id,
        "environment": contact.environment,
        "tokens": contact.tokens,
        "problems": problems,
    }


def iso(at: datetime | None) -> str | None:
    """ISO 8601 UTC, or None."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None
